// FlowSilence: whether a path has forgotten a connection while its peer lives: a firewall that lost its state, one dead
// link of a bundle. Fed with what our kernel says of the connection's own bytes at each look (net::SendState); it goes
// by the kernel's retransmissions, so it is as patient as the path's round trip asks. Pure.
//
// What is heard meanwhile may be the remote side's own data, which it repeats because our ACKs do not reach it: only a
// segment without data is an answer. Looks are closer together than retransmissions, so one that came since the look
// before the last retransmission came after that. And it came in time: a keepalive probe, or the SYN-ACK that is repeated
// because the third segment of the handshake was the first to be forgotten, has no data either, but comes at its own pace.
//
//   Heard --one retransmission was in vain--> Silent --answered--> Heard
//   Silent --kForgottenAfter in vain, the last of them after another connection was answered--> Forgotten
//
// A single lost packet is repeated and answered before the first look that could blame it. Forgotten is final for the
// exchanges of the connection, so it asks for more: as many losses in a row as no lossy path makes, and a retransmission
// that was lost although new connections to the same peer do work.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "peerpulse/base/time.h"
#include "peerpulse/net/socket.h"

namespace peerpulse::upstream {

class FlowSilence {
 public:
  enum class State : uint8_t { kHeard, kSilent, kForgotten };

  static constexpr uint32_t kForgottenAfter = 3;
  /// No kernel sends anything again sooner: a silence has lasted so long when it is found.
  static constexpr Duration kLeast = milliseconds(200);

  /// `elsewhere`: a connection younger than this silence was answered.
  State judge(const net::SendState& sent, bool elsewhere) {
    const uint32_t unanswered = inVain(sent);
    if (unanswered == 0) {
      raced_ = 0;
      return state_ = State::kHeard;
    }
    if (state_ == State::kHeard) state_ = State::kSilent;
    if (!elsewhere) return state_;
    if (raced_ == 0) raced_ = unanswered;  // those before may have met the same trouble as everybody
    if (unanswered >= kForgottenAfter && unanswered > raced_) state_ = State::kForgotten;
    return state_;
  }
  State state() const { return state_; }

 private:
  /// Retransmissions without an answer, in a row.
  uint32_t inVain(const net::SendState& sent) {
    if (sent.repeated < repeated_) answeredUpTo_ = 0;  // progress
    if (sent.repeated != repeated_) {
      repeated_ = sent.repeated;
      acksBefore_ = acks_;
      due_ = false;
    }
    acks_ = sent.bareAcks;
    const bool heard = acks_ && acksBefore_ ? *acks_ != *acksBefore_ : sent.heardSince;
    if (heard && !due_) answeredUpTo_ = repeated_;
    due_ = due_ || sent.overdue;
    const uint32_t due = due_ || repeated_ == 0 ? repeated_ : repeated_ - 1;
    return due - std::min(due, answeredUpTo_);
  }

  State state_ = State::kHeard;
  uint32_t repeated_ = 0;
  uint32_t answeredUpTo_ = 0;           // the last of them that was
  bool due_ = false;                    // the answer to the last one would have come by now
  std::optional<uint32_t> acks_;        // at the last look
  std::optional<uint32_t> acksBefore_;  // at the look before the last retransmission was seen
  uint32_t raced_ = 0;                  // unanswered when the other connection was answered; 0: it was not
};

}  // namespace peerpulse::upstream
