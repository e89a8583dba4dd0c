// PeerHealth: everything peerpulse thinks about one peer. It composes the detector (verdict), the circuit
// (gate), the RTT estimator and the probe plan (what to send when), and is a pure function of the events it
// was given:
//
//   shell: event, now --> on() --> actions: connections, PINGs, connects, Publish, Report, Warn
//          timer at nextDeadline() --> on(Tick)
//
// Rules for the shell:
//   - report what arrived before giving a Tick when judgementDue(now): drain, then judge;
//   - when wantsKernelView(now), give the probe connection's TCP_INFO with the Tick;
//   - keep LocalHealth told of overdueAt(), and give its mostOverdue() with a Tick when judgementDue(now);
//   - carry actions out in their order; report connects that failed at once only after that.
//
// Invariants: at most one Publish and one Report per event, together, and only when verdict, circuit, reason
//   or override changed (a Publish alone when a half-open circuit allows another trial); the generation grows
//   by one with each (as CircuitTable's does); after on(Tick, now) nextDeadline() > now.
// A round is void when an event comes more than T after the deadline it should have met: then our own loop
//   was late, and that time's silence proves nothing (Lifeguard).
//
// Threading: none. No clock: `now` must not go backwards. Memory: fixed.
#pragma once

#include <algorithm>
#include <optional>

#include "peerpulse/base/peer_id.h"
#include "peerpulse/health/circuit.h"
#include "peerpulse/health/confirm_burst.h"
#include "peerpulse/health/data_rhythm.h"
#include "peerpulse/health/failure_detector.h"
#include "peerpulse/health/health_score.h"
#include "peerpulse/health/loss_estimator.h"
#include "peerpulse/health/probe_action.h"
#include "peerpulse/health/probe_event.h"
#include "peerpulse/health/probe_plan.h"
#include "peerpulse/health/rtt_estimator.h"
#include "peerpulse/health/trend.h"

namespace peerpulse::health {

class PeerHealth {
 public:
  /// PINGs go out at multiples of T plus `phase`: peers of the same phase share a wake-up.
  PeerHealth(PeerId peer, const ProbeOptions& options, uint32_t jitterSeed, TimePoint start, Duration phase = {});

  /// The circuit table's word has this generation: outcomes of exchanges are told with it. Before the first event.
  void startFrom(uint16_t generation);

  Actions on(const Event& event, TimePoint now);
  /// When the next Tick is due.
  TimePoint nextDeadline() const { return deadline_; }
  /// A Tick at `now` may turn silence into a worse verdict.
  bool judgementDue(TimePoint now) const { return now >= detector_.silenceDeadline(limits_); }
  bool wantsKernelView(TimePoint now) const;

  const CircuitWord& word() const { return word_; }
  ProbeMode mode() const { return plan_.mode(); }
  PeerProtocol protocol() const { return plan_.protocol(); }
  const RttEstimator& rtt() const { return rtt_; }
  const HealthScore& score() const { return score_; }
  /// The last sign of life; the time of construction before the first one.
  TimePoint lastEvidence() const { return detector_.lastEvidence(); }
  /// The last word of its process, whatever its kernel said since; TimePoint() before the first one.
  TimePoint processHeard() const { return processHeard_; }
  uint32_t outstanding() const { return plan_.outstanding(); }
  /// As last reported.
  const Rungs& rungs() const { return rungs_; }
  /// Nothing but its own port and a kept connection can be asked (ProbePlan): a confirm may take a second longer.
  bool lastResort() const { return plan_.lastResort(); }
  /// The last confirm could not even ask that: it takes kBlindPatience.
  bool blind() const { return blind_; }
  /// ICMP echoes, since the beginning.
  const EchoTrack::Counts& echoes() const { return plan_.echoes(); }
  /// By when a peer that is well has given its next sign of life; TimePoint::max() in a known outage and before
  /// the first one. For LocalHealth.
  TimePoint overdueAt() const;
  /// The confirm under way is in its second round: this host was the first suspect.
  bool secondConfirmRound() const { return detector_.secondRound(); }
  /// As of the last event: its process has left probes unanswered for S, while it is not known to be gone. Whoever asks it
  /// for something else will wait, too.
  bool owesAnswer() const { return owesAnswer_; }
  /// S and C for this path, as of the last event.
  const DetectionLimits& limits() const { return limits_; }
  /// The way to the peer's kernel: what a process takes to answer is no distance, and must not stretch the limits
  /// of a host whose processes are starved.
  const PathRtt& path() const { return path_; }
  const LossEstimator& loss() const { return loss_; }

  /// ACK ages of TCP_INFO come in steps of the kernel's tick, up to this.
  static constexpr Duration kKernelTick = milliseconds(10);
  /// How long a peer must be silent of which nothing can be asked but its own port. As long as its accept queue is full that
  /// is silent too, and a process that pauses may leave it so.
  static constexpr Duration kBlindPatience = seconds(10);
  /// A keepalive probe leaves by a timer of our kernel, which on a busy host is late.
  static constexpr Duration kDrawPatience = milliseconds(200);
  /// How often the kernel's counters of the probe connection are read for the loss of the path.
  static constexpr Duration kLossInterval = seconds(1);
  /// For how long the round trip of a fresh connect can refute that of the probe connection.
  static constexpr Duration kFreshFor = seconds(1);

 private:
  void handle(const Tick& tick, TimePoint now, Actions& actions);
  void handle(const Reached& event, TimePoint now, Actions& actions);
  void handle(const Connected& event, TimePoint now, Actions& actions);
  void handle(const Received& event, TimePoint now, Actions& actions);
  void handle(const PingAcked& event, TimePoint now, Actions& actions);
  void handle(const GoneAway& event, TimePoint now, Actions& actions);
  void handle(const Closed& event, TimePoint now, Actions& actions);
  void handle(const HealthAnswered& event, TimePoint now, Actions& actions);
  void handle(const EchoAnswered& event, TimePoint now, Actions& actions);
  void handle(const EchoUnsent& event, TimePoint now, Actions& actions);
  void handle(const ConnectResult& event, TimePoint now, Actions& actions);
  void handle(const OutcomeRecord& record, TimePoint now, Actions& actions);
  void handle(const CircuitOverride& change, TimePoint now, Actions& actions);

  /// Path and limits anew: to be called by whoever changes what they follow from (round trips, rhythm, the plan's
  /// cadence), and by a tick. They are used many times per event.
  void measure();
  PathRtt measuredPath() const;
  void considerData(const Tick& tick, TimePoint now);
  void considerKernel(const KernelView& view, TimePoint now);
  void sampleLoss(const Tick& tick, TimePoint now);
  bool wantsHostChecks() const;
  bool hostCheckTells() const;
  void startConfirm(TimePoint now, Actions& actions);
  void askKeptConnection(TimePoint now, Actions& actions);
  void drawAck(TimePoint now, Actions& actions);
  void endDraws();
  void considerDraw(TimePoint now);
  void openConfirmConnects(TimePoint now, Actions& actions);
  void hostChecked(const ConnectResult& event, TimePoint now, Actions& actions);
  void patientlyAnswered(Duration elapsed, TimePoint now);
  void couldNotConnect(ConnectPurpose purpose, TimePoint now);
  void connectionBegan(Duration elapsed, TimePoint now);
  void hostAnswered(Duration roundTrip, TimePoint now);
  void synAcked(Duration elapsed, TimePoint now, Actions& actions);
  /// What was known before the event that is being handled.
  struct Before {
    TimePoint heard, processHeard;
    uint32_t outstanding;
  };
  void publish(TimePoint now, const Before& before, Actions& actions);
  Evidence evidence(TimePoint now, const Before& before) const;
  void processSpoke(TimePoint at) { processHeard_ = std::max(processHeard_, at); }
  bool answeredLate(const ProbePlan::Ack& ack) const;
  /// `unanswered`: what the process had owed for before this event; `watched`: our own loop was not late.
  void keepScore(TimePoint now, Duration unanswered, bool watched, Actions& actions);

  PeerId peer_;
  ProbeOptions options_;
  RttEstimator rtt_;
  LossEstimator loss_;
  DataRhythm rhythm_;
  FailureDetector detector_;
  Circuit circuit_;
  ProbePlan plan_;
  HealthScore score_;
  Trend trend_;
  CircuitWord word_;
  Rungs rungs_;

  ProbePlan::Cadence cadence_;  // that limits_ are for
  PathRtt path_;
  DetectionLimits limits_;
  TimePoint lastNow_;
  TimePoint deadline_;
  TimePoint dataHeard_;
  TimePoint processHeard_;
  KernelView kernel_;
  ConfirmBurst burst_;
  TimePoint drawAt_ = TimePoint::max();  // the kept connection's kernel is to be asked, for the confirm
  uint32_t drawsLeft_ = 0;               // so many times
  std::optional<uint32_t> sentBefore_;   // segments there before it was drawn, until that one has left this host
  TimePoint drawnAt_;
  Duration requestAck_{};  // how long a kernel may take to acknowledge a request
  TimePoint nextLossSample_;
  Duration freshRtt_{};           // of the last fresh connect that was answered,
  TimePoint freshAt_;             // and when
  uint32_t confirmConnects_ = 0;  // to the peer, of the present or last confirm: those that left this host
  uint32_t longPatients_ = 0;     // answers of this outage that took much longer than the path
  bool blind_ = false;            // the last confirm
  int lastError_ = 0;             // of the last failed connect since the peer was alive
  bool owesAnswer_ = false;
  uint32_t renewals_ = 0;  // of the circuit, published so far
};

}  // namespace peerpulse::health
