// Barrier: knowing that the peer has read all that was sent so far. An empty SETTINGS frame is sent and its ACK is the proof
// (RFC 9113 6.5.3: in order, and owed at once). A PING would prove the same, but gRPC servers count a client's PINGs and end
// the connection, streams and all, for a few of them.
//
// Threading: a value; one thread. At most two are under way; who asks meanwhile shares the next one.
#pragma once

#include <cstdint>

namespace peerpulse::http::h2 {

class Barrier {
 public:
  /// A number for passed(). What it is to prove must have been sent.
  uint64_t ask() { return wanted_ = sent_ + 1; }
  /// A SETTINGS frame is to be sent: then tell sent().
  bool due() const { return wanted_ > sent_ && sent_ - acked_ < kUnderWay; }
  void sent() { ++sent_; }
  void acked() { ++acked_; }
  bool passed(uint64_t number) const { return acked_ >= number; }

 private:
  static constexpr uint64_t kUnderWay = 2;
  uint64_t sent_ = 1;  ///< the connection's own first SETTINGS
  uint64_t acked_ = 0;
  uint64_t wanted_ = 0;
};

}  // namespace peerpulse::http::h2
