// ProcessCheck: the requests that ask one peer's process for an answer, once per interval, on a connection that is kept: a
// HEAD of the health path, or OPTIONS * (RFC 9110 9.3.7: the "ping" of HTTP). One at a time.
//
//   untried --answered--> proved          an unanswered one accuses the process
//   untried --three times the connection ended unanswered, or once no answer for kPatience--> useless
//   useless, proved --forget()--> untried
//
// What was never answered cannot accuse: as long as it is untried or useless nothing is owed.
//
// Threading: none. No clock. Memory: fixed.
#pragma once

#include <cstdint>
#include <optional>

#include "peerpulse/base/time.h"

namespace peerpulse::health {

class ProcessCheck {
 public:
  static constexpr Duration kPatience = seconds(5);
  static constexpr uint32_t kMaxStrikes = 3;

  explicit ProcessCheck(Duration interval) : interval_(interval) {}

  Duration interval() const { return interval_; }
  bool useless() const { return state_ == State::kUseless; }
  bool proved() const { return state_ == State::kProved; }
  bool outstanding() const { return sentAt_.has_value(); }

  /// The peer's process said something else at `at`: no request is needed for an interval.
  void heard(TimePoint at);
  void answered(TimePoint now);
  /// The connection ended.
  void ended();
  /// The peer may be another program now; a request is due at once.
  void forget();

  enum class Due : uint8_t { kNothing, kSend, kOwed };
  /// What is due at `now`, of an open connection: to send one, or to say that the process owes an answer since owedSince().
  Due advance(TimePoint now);
  /// One goes out at once, if none is waiting.
  bool sendNow(TimePoint now);
  TimePoint owedSince() const { return sentAt_.value_or(next_); }
  TimePoint next() const { return next_; }

 private:
  enum class State : uint8_t { kUntried, kProved, kUseless };

  Duration interval_;
  State state_ = State::kUntried;
  uint32_t strikes_ = 0;  // connections in a row that ended with an unanswered request
  std::optional<TimePoint> sentAt_;
  TimePoint next_;
};

}  // namespace peerpulse::health
