// NotificationQueue: what receivers are to be told, kept until nghttp2 has returned. nghttp2 forbids most
// calls from inside its callbacks; receivers may do anything. So callbacks only queue.
//
// Threading: one thread.
// Invariants: for one stream the notification that owns it (`last`) is its last one, so raw pointers before
//   it are valid. Bounded by the bytes of one receive() or produce() call plus the number of streams.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

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
    kClosed,  ///< last
    kReset,   ///< last, reason, text
    kGone,    ///< last; the user knows already
    kGoAway,  ///< number, text
    kPingAck,
    kCapacity,
  };
  Kind kind;
  H2Stream* stream = nullptr;
  std::unique_ptr<H2Stream> last;
  std::unique_ptr<HeaderBlock> block;
  Slice data;
  uint64_t number = 0;
  ResetReason reason = ResetReason::kNoError;
  std::string text;
};

class NotificationQueue {
 public:
  bool empty() const { return queue_.empty(); }
  void push(Notification notification) { queue_.push_back(std::move(notification)); }
  Notification pop() {
    Notification front = std::move(queue_.front());
    queue_.pop_front();
    return front;
  }

 private:
  std::deque<Notification> queue_;
};

}  // namespace peerpulse::http::h2
