// ResetPacer: how many of our resets the peer has not heard of yet. Servers count streams that were reset before they got to
// them (rapid reset, CVE-2023-44487) and end the connection with all that lives on it: hyper's h2 at more than 20. So only
// some are under way; more wait until the peer has proved that it read those: it answered a request sent after them, or,
// once no more are allowed, a barrier.
//
// Threading: a value; one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace peerpulse::http::h2 {

class ResetPacer {
 public:
  explicit ResetPacer(size_t limit) : limit_(limit) {}

  bool mayReset() const { return provenBy_.size() < limit_; }
  /// A reset is to be sent; requests with `nextStream` and higher ids go after it.
  void gave(uint32_t nextStream) { provenBy_.push_back(nextStream); }
  /// One is on the wire.
  void sent() {
    if (sent_ < unheard()) ++sent_;
  }
  /// All there may be are on the wire, and the peer was not asked yet.
  bool wantsBarrier() const { return sent_ >= limit_ && barrier_ == 0; }
  void asked(uint64_t barrier) {
    barrier_ = barrier;
    covered_ = sent_;
  }
  /// 0: not asked.
  uint64_t barrier() const { return barrier_; }
  /// The peer has passed the barrier.
  void passed() {
    forget(covered_);
    covered_ = 0;
    barrier_ = 0;
  }
  /// The peer answered on `stream`.
  void answered(uint32_t stream) {
    size_t n = 0;
    while (n < sent_ && provenBy_[n] <= stream)
      ++n;
    if (n > 0) forget(n);
  }
  size_t unheard() const { return provenBy_.size(); }

 private:
  void forget(size_t n) {
    provenBy_.erase(provenBy_.begin(), provenBy_.begin() + static_cast<std::ptrdiff_t>(n));
    sent_ -= n;
    covered_ -= std::min(covered_, n);
  }

  size_t limit_;
  std::vector<uint32_t> provenBy_;  ///< of each that the peer has not heard of: the first request after it
  size_t sent_ = 0;                 ///< so many of them are on the wire
  size_t covered_ = 0;              ///< so many of them were, when the peer was asked
  uint64_t barrier_ = 0;
};

}  // namespace peerpulse::http::h2
