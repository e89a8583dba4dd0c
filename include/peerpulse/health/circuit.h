// Circuit: the gate of one peer, composed of three causes that do not undo each other.
//
//   operator  forces open or closed for a time                       reason operator
//   probes    open while the verdict is dead, refusing, or stalled   reason probe_silence, connect_refused,
//             for too long; closed by the verdict alive                     process_stalled, flapping
//   requests  (passive)                                              reason request_failures
//
//               threshold failures in a row
//      closed --------------------------------> open <---------+
//        ^  ^                                     | open_for   | a trial failed
//        |  |  a trial succeeded                  v            |
//        |  +-------------------------------- half-open -------+
//        +-- dead or refusing within 1 s of the opening: the failures were that outage's symptoms
//
// Rule: the operator's word counts if there is one; else open if the probes say so; else what requests say.
// Hence probe evidence closes only what probes opened, open_for runs on while probes hold the gate, and after
// an outage the passive state shows again.
//
// Flap damping: after the third opening by an outage within kFlapWindow the probes close it only when the peer
// has been alive for a while: kFirstDamping, doubled with each further one, up to kMaxDamping. Until then the
// reason is flapping.
//
// A circuit half-open for open_for (at least kMinTrial) without an outcome allows another trial: the first
// one or its outcome got lost, or it is slow.
//
// Outcomes of exchanges admitted under an earlier circuit are discarded (their generation is older), and so
// is everything that ends while the operator or the probes hold the gate: it says nothing new.
//
// Threading: none. No clock.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "peerpulse/base/time.h"
#include "peerpulse/health/outcome.h"
#include "peerpulse/health/probe_event.h"
#include "peerpulse/health/probe_options.h"
#include "peerpulse/health/verdict.h"

namespace peerpulse::health {

class Circuit {
 public:
  explicit Circuit(const ProbeOptions& options);

  void onVerdict(Verdict verdict, bool stalledTooLong, TimePoint now);
  void onOutcome(const OutcomeRecord& record, TimePoint now);
  void onOverride(const CircuitOverride& change, TimePoint now);
  /// open_for or the operator's time may have passed.
  void tick(TimePoint now);
  /// The state shown since the last change was published under `generation`.
  void published(uint16_t generation) { generation_ = generation; }
  /// A generation of the same state. Generations wrap: one that is too far behind would look newer than all that come.
  void follow(uint16_t generation) {
    constexpr uint16_t kMostBehind = 0x4000;
    const auto behind = static_cast<uint16_t>(generation - generation_);
    if (behind > kMostBehind) generation_ = static_cast<uint16_t>(generation - kMostBehind);
  }

  CircuitState state() const;
  Reason reason() const;
  bool overridden() const { return override_ != CircuitOverride::Kind::kAuto; }
  uint32_t consecutiveFailures() const { return failures_; }
  /// Grows by one whenever a half-open circuit allows another trial: the shown state needs a new generation.
  uint32_t renewals() const { return renewals_; }
  TimePoint nextDeadline() const;

  /// Failures this shortly before the verdict dead or refusing are explained by it.
  static constexpr Duration kExplained = seconds(1);
  /// However short open_for is, a trial may take this long.
  static constexpr Duration kMinTrial = seconds(1);
  static constexpr Duration kFlapWindow = seconds(10);
  static constexpr uint32_t kFlaps = 3;
  static constexpr Duration kFirstDamping = milliseconds(250);
  static constexpr Duration kMaxDamping = seconds(1);

 private:
  enum class Weight : uint8_t { kSuccess, kFailure, kNeither };
  Weight weigh(Outcome outcome) const;
  void transition(CircuitState to, TimePoint now);
  void outage(Verdict verdict, TimePoint now);
  void alive(TimePoint now);
  Duration damping(TimePoint now) const;

  uint32_t threshold_;
  Duration openFor_;
  bool countTimeouts_;
  bool countServerErrors_;

  CircuitOverride::Kind override_ = CircuitOverride::Kind::kAuto;
  TimePoint overrideUntil_ = TimePoint::max();

  Verdict verdict_ = Verdict::kUnknown;
  Reason probeReason_ = Reason::kNone;    // kNone: the probes let traffic flow
  TimePoint closeAt_ = TimePoint::max();  // alive again, but damped until then
  // Openings by an outage, newest last: as many as double the damping to its most.
  std::array<TimePoint, 5> outages_{};

  CircuitState passive_ = CircuitState::kClosed;
  TimePoint openedAt_;                       // of the passive state
  TimePoint trialUntil_ = TimePoint::max();  // while half-open: then another trial is allowed
  uint32_t renewals_ = 0;
  uint32_t failures_ = 0;
  uint16_t generation_ = 0;
};

}  // namespace peerpulse::health
