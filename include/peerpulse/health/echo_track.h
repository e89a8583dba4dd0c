// EchoTrack: whether one peer's ICMP echo replies can be gone by, and what became of the echoes sent. A host answers
// echoes in its kernel, and they cost its processes nothing; but firewalls drop them, and some hosts answer a few of
// them only. So their absence counts only after, and as long as, they are answered while the peer lives.
//
//            40 of 50 are answered                refuted: 8 in a row, or half of the last 32, unanswered though
//                                                 something else of the peer was heard
//   trying -------------------------> trusted ------------------------------------------------------+
//     ^  \                                                                                          |
//     |   \ 50 are sent, too few answered                                                           v
//     |    +-------------------------------------------------------------------------------------> resting
//     +---------------------------------------------------------------------------------------------+
//       a minute later; twice as long each further time, at most an hour; or an outage ends
//   off: this host can send none.
//
// The refutation is asked for when a suspicion that the silence of echoes began was cleared by something else: so a
// firewall that begins to drop them makes some three suspicions, and then no more for a minute, two, four ...
//
// Threading: none. No clock. Memory: fixed.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "peerpulse/base/time.h"

namespace peerpulse::health {

class EchoTrack {
 public:
  static constexpr uint32_t kTrial = 50;
  static constexpr uint32_t kTrialAnswered = 40;
  static constexpr uint32_t kMute = 8;
  static constexpr uint32_t kWindow = 32;
  static constexpr uint32_t kKept = 64;
  static constexpr Duration kRest = seconds(60);
  static constexpr Duration kLongestRest = seconds(3600);
  /// Trusted for so long, it rests as briefly as the first time.
  static constexpr Duration kSteady = seconds(600);

  struct Counts {
    uint64_t sent = 0, answered = 0, lost = 0;
  };

  explicit EchoTrack(bool available) : state_(available ? State::kTrying : State::kOff) {}

  /// Its silence may make the peer suspect.
  bool trusted() const { return state_ == State::kTrusted; }
  /// On trial, and every echo that was sent before then has been answered: for a confirm their silence since tells.
  bool neverMissed(TimePoint before) const;
  /// Known not to be answered, until a trial shows otherwise.
  bool refused() const { return state_ == State::kOff || refused_; }
  /// Echoes go out at their cadence, as of `now`.
  bool sends(TimePoint now) const {
    return trusted() || state_ == State::kTrying || (state_ == State::kResting && now >= restsUntil_);
  }
  /// When the next one is due that keeps to a cadence; TimePoint::max() if none ever is.
  TimePoint nextSend(TimePoint cadence) const {
    if (state_ == State::kOff) return TimePoint::max();
    return state_ == State::kResting ? std::max(cadence, restsUntil_) : cadence;
  }

  /// One goes out: returns its sequence. Requires sends().
  uint32_t send(TimePoint now);
  /// The last one could not leave this host: nobody was asked.
  void unsent();
  /// The round trip; nothing if it is no echo that is still waited for.
  std::optional<Duration> answered(uint32_t sequence, TimePoint now);
  /// The silence of echoes had made the peer suspect, and something else shows it alive. `patience`: how long an answer may
  /// take. Returns true if the echoes are trusted no longer.
  bool refuted(TimePoint now, Duration patience);
  /// What was unanswered during an outage says nothing; and it may be another firewall since.
  void outageEnded(TimePoint now);

  const Counts& counts() const { return counts_; }

 private:
  enum class State : uint8_t { kOff, kTrying, kTrusted, kResting };

  void enter(State to);
  void rest(TimePoint now);
  bool isAnswered(uint32_t sequence) const { return (answered_ >> (sequence % kKept) & 1) != 0; }
  void setAnswered(uint32_t sequence, bool answered);

  State state_;
  uint32_t sequence_ = 0;                  // of the last one
  uint32_t since_ = 0;                     // sent since the history began
  std::array<TimePoint, kKept> sentAt_{};  // by sequence
  uint64_t answered_ = 0;                  // bits by sequence; what could not leave counts as answered
  bool refused_ = false;
  uint32_t tried_ = 0;
  uint32_t triedAnswered_ = 0;
  TimePoint trustedAt_;
  TimePoint restsUntil_;
  Duration rest_ = kRest;
  Counts counts_;
};

}  // namespace peerpulse::health
