// NotificationQueue: what receivers are to be told, kept until nghttp2 has returned. nghttp2 forbids most
// calls from inside its callbacks; receivers may do anything. So callbacks only queue.
//
// Threading: one thread.
// Invariants: each stream has one notification of the last kinds, after all others that name it, so the raw
//   pointers are valid. Bounded by the bytes of one receive() or produce() call plus the number of streams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "h2_stream.h"
#include "peerpulse/base/slice.h"

namespace peerpulse::http::h2 {

struct Notification {
  enum class Kind : uint8_t {
    kHead,           ///< block: a request, or a final response
    kInformational,  ///< block
    kData,
    kTrailers,  ///< block
    kEnd,
    kBodySent,
    kClosed,   ///< last
    kReset,    ///< last; reason, text
    kGone,     ///< last; the user knows already
    kGoAway,   ///< of the connection; number, text
    kPingAck,  ///< of the connection; number
  };
  Kind kind = Kind::kEnd;
  ResetReason reason = ResetReason::kNoError;
  H2Stream* stream = nullptr;
  Slice data;
  std::unique_ptr<HeaderBlock> block;
  uint64_t number = 0;
  std::unique_ptr<std::string> text;  ///< rare

  std::string_view textView() const { return text ? std::string_view(*text) : std::string_view(); }
};

class NotificationQueue {
 public:
  bool empty() const { return first_ == queue_.size(); }
  void push(Notification notification) { queue_.push_back(std::move(notification)); }
  Notification& push(Notification::Kind kind, H2Stream* stream) {
    Notification& added = queue_.emplace_back();
    added.kind = kind;
    added.stream = stream;
    return added;
  }
  /// Requires !empty().
  Notification pop() {
    Notification front = std::move(queue_[first_]);
    if (++first_ == queue_.size()) rewind();
    return front;
  }

 private:
  void rewind() {
    constexpr size_t kKeepCapacity = 256;
    queue_.clear();
    if (queue_.capacity() > kKeepCapacity) queue_.shrink_to_fit();  // a burst is over
    first_ = 0;
  }

  std::vector<Notification> queue_;
  size_t first_ = 0;  ///< what is before it was taken
};

}  // namespace peerpulse::http::h2
