// AnswerRoom: how much of the answers on one client's connection may wait inside the process, as a sum over its streams. A
// client says in a few bytes what brings megabytes: a thousand requests whose answers it does not take must not hold a thousand
// windows. So a connection has little room until it has shown that it takes what it asked for, and then in proportion; of that
// each stream gets what its client can take, and may ask for more as that goes out. A stream without a share of it has the
// peer's first window (http::CodecLimits::firstWindow), which moves, if slowly: none waits for another's end.
//
// Pure. Threading: a value; one thread. Ownership: outlives what its shares have, each of which gives it back by release(), at
// the latest when it goes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace peerpulse::proxy {

class AnswerRoom {
 public:
  /// Of all streams of a connection whose client has taken nothing yet, and at most.
  static constexpr size_t kFirst = size_t{256} * 1024;
  static constexpr size_t kMost = size_t{8} * 1024 * 1024;
  /// The same of one stream, which may have `limits.buffer` at most.
  static constexpr size_t kFirstOfStream = size_t{32} * 1024;

  /// One stream's.
  class Share {
   public:
    explicit Share(AnswerRoom& room) : room_(room) {}
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() { release(); }

    size_t bytes() const { return bytes_; }
    /// Towards `wanted`, as far as there is room when the client has taken `taken` bytes in all. True if it grew.
    bool grow(size_t wanted, uint64_t taken) {
      wanted = std::min<size_t>(wanted, ofStream(taken));
      if (wanted <= bytes_) return false;
      const size_t more = std::min(wanted - bytes_, room_.left(taken));
      room_.used_ += more;
      bytes_ += more;
      return more > 0;
    }
    void release() {
      if (bytes_ > 0) room_.used_ -= std::exchange(bytes_, 0);
    }

   private:
    AnswerRoom& room_;
    size_t bytes_ = 0;
  };

  size_t used() const { return used_; }

 private:
  static uint64_t ofStream(uint64_t taken) { return kFirstOfStream + 2 * taken; }
  size_t left(uint64_t taken) const {
    const auto most = static_cast<size_t>(std::min<uint64_t>(kFirst + 2 * taken, kMost));
    return most - std::min(most, used_);
  }

  size_t used_ = 0;
};

}  // namespace peerpulse::proxy
