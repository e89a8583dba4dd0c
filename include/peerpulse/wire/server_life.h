// ServerLife: what a client's connection is doing, since when, and whether that has taken too long. Pure: whoever has the
// connection says what happens, and carries the verdict out.
//
//   Handshaking --done--> Idle                      (over TLS)
//   Idle --first byte of a head--> ReadingHead --request--> Busy --the last one ended--> Idle
//   ReadingHead --what came was no head (PING, SETTINGS)--> Idle
//   Idle --part of a head had come behind the last request--> ReadingHead
//   any --the connection's end--> Ended
//
// Threading: a value. Times are the caller's, all of one clock.
#pragma once

#include <cstdint>
#include <optional>

#include "peerpulse/base/time.h"

namespace peerpulse::wire {

class ServerLife {
 public:
  enum class State : uint8_t { kHandshaking, kIdle, kReadingHead, kBusy, kEnded };
  /// How long it may be idle, or busy with one request's head; with a handshake no longer than with a head.
  struct Limits {
    Duration idle;
    Duration head;
  };
  enum class Expiry : uint8_t { kNot, kIdle, kDraining, kHead, kHandshake };
  /// In a drain an idle connection is kept for so long: a request may be on its way. So is one in its handshake.
  static constexpr milliseconds kDrainGrace{250};

  /// `handshake`: there is one to do first.
  explicit ServerLife(TimePoint now, bool handshake = false)
      : state_(handshake ? State::kHandshaking : State::kIdle), since_(now) {}

  State state() const { return state_; }
  /// When that began.
  TimePoint since() const { return since_; }
  bool ended() const { return state_ == State::kEnded; }

  void onShaken(TimePoint now) { enter(State::kIdle, now); }
  /// Bytes came.
  void onHeard(TimePoint now);
  /// What came in this turn is read; `readingHead`: a head has begun and is not complete.
  void onSettled(bool readingHead, TimePoint now);
  void onRequest(TimePoint now);
  /// No request is left.
  void onQuiet(TimePoint now);
  void onEnded(TimePoint now);
  void drain(TimePoint now) { drainingSince_ = now; }
  const std::optional<TimePoint>& drainingSince() const { return drainingSince_; }

  Expiry expiry(TimePoint now, const Limits& limits) const;

 private:
  void enter(State to, TimePoint now);

  State state_;
  TimePoint since_;  // in this state
  std::optional<TimePoint> drainingSince_;
};

/// "idle for too long", "draining", "the request's head took too long", "the handshake took too long".
const char* toString(ServerLife::Expiry expiry);

}  // namespace peerpulse::wire
