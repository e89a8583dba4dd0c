// Checkers: what must hold after every step, whatever the scenario does. The first broken rule ends the seed.
//
// Words. Reachable: powered, and neither direction of its path is cut. Healthy: reachable, its process runs and
// accepts, the prober runs and can connect. p: loss of a packet, per direction. S, C, K, T as in ProbeOptions;
// S and C are the largest that DetectionLimits gave since the peer became unreachable. maxRtt: the longest round
// trip of packets that are not lost. Late: the prober came back from a pause longer than T.
//
//  1 no false dead   `dead` of a peer that was reachable and serving from the beginning of its last confirm round
//                    on is a violation. Whatever else happens: processes paused for any time, the prober paused
//                    for any time, a starved loop, jitter, reordering, lost connections. Not counted are:
//                      maxRtt > C - 1 ms (a late timer's slack): a path that grew longer than was measured
//                      (longPathDead);
//                      a loss burst that overlapped the confirm (burstDead);
//                      connects that could not leave this host;
//                      an accept queue that is full, so that only TCP or another port is left to go by: with loss,
//                      within 1 s of loss or a cut (TCP backs off), with a connection that a middlebox
//                      forgot, or without one and with a firewalled port (fullQueueDead).
//                    Independent loss can kill all K SYNs or their answers: with x = 1 - (1-p)(1-q) that is x^K per
//                    round, K as it was in that round, 4 to 8. Up to 0.5 % each way x^4 <= 1e-8. At 4,000
//                    suspicions per peer-day (measured, see the summary) and a fifth of all peers, a virtual year
//                    with 2.3 peers per world has 7e5 of them: 7e-3 expected, so each one is a violation. Above
//                    that x^K is summed over the confirm rounds of reachable peers: more false deads over a whole
//                    run than that sum E, 4 sqrt(E) and 2 break the rule (Statistics).
//                    While most peers are overdue a death takes two rounds.
//  2 detection       a peer that becomes unreachable and stays so is dead within S + C + 1 ms, counted from the last
//                    packet that came from it (at most the one-way delay later), or from the prober's last late
//                    return if that was later;
//                      + C if the own host was suspect meanwhile;
//                      + 210 ms if only its kernel may have spoken last (a delayed ACK, and its age in steps of a
//                      tick): loss, a stopped process, a slow rung, any disturbance in the 11 s before;
//                      + 3 times the lateness of a starved loop;
//                      + 2.5 s where nothing but the own port and a kept connection can be asked (ProbePlan), a second
//                      apart;
//                      + 1 s within 1.5 s of connects that could not leave this host (a confirm without one waits
//                      so long); not at all during that.
//  3 recovery        a peer healthy for B has verdict alive (or, with loss, suspect) and a circuit closed, unless
//                    requests opened it. B = 4 attempts + 4 maxRtt + 100 ms + 600 ms (a mute connection) + 1 s (flap
//                    damping); + 3 s with loss; + 1.3 s if the path was never measured; + 8 s while it is longer
//                    than usual (one patient connect per second teaches an eighth of the difference). Counted
//                    from its last death: a peer that loss kills again and again is damped again. Not while the
//                    prober is starved.
//  4 transitions     only those that the graphs in failure_detector.h and circuit.h draw; only
//                    a trial's success (or that of an exchange sent while the prober was silent) closes what
//                    requests opened.
//  5 words           the generation grows by one; the table's word is the reported one; the report's time is now.
//  6 no spinning     after a Tick the next deadline is in the future; at most 1,000 Ticks per peer and second.
//  7 bounds          at most 33 sockets per peer, 4 in an outage; at most 900 PINGs outstanding; at most 20,000
//                    events scheduled.
// 17 guard          (numbered last; the policy itself, asked after each event of the prober) refused is only who is dead.
//                    While the own link is cut, and afterwards, nobody becomes refused who was unreachable by that alone and
//                    whose path loses nothing and is no longer than before, and which accepts connections; nor whose
//                    own outage ended so shortly before that nothing was heard of it
//                    (lan and fast: of distant peers a packet may still be under way; and nothing else wrong with this host).
// Rules 8 to 16 are of the carrying half (CarryWorld), where the real workers carry scripted requests. Words. Honest: a
// request whose client takes and gives at once, cancels nothing, and shares its connection with none that does not.
// Blameless: a world in which no host, path or storage process does anything wrong; some clients may. A blameless peer: one of
// such a world, or an honest one in a world in which only storage processes do anything wrong. Tight: one whose
// limits are so small that honest requests meet them (fewer than 64 connections, or 256 waiting). Stalled: the prober has
// not beaten for 1 s. A step is a turn of one loop, or of the network; words change between steps only. While the own
// process stands still, nothing is due of it.
//
//  8 the circuit     in a turn of a worker that finds the word open, nothing is let through to the peer, unless the prober
//                    is stalled and no operator has spoken; in all turns of one half-open generation, one more than
//                    have ended meanwhile (a trial that ends without an outcome gives its permit back). Those in flight
//                    are failed by `dead` alone, so never by `stalled`. A peer whose process is stopped for up to 9 s,
//                    all else well, refuses nobody. A request is seen by its peer at most 1 + max_retries times.
//  9 one end         each scripted request ends once for its client, and gets no data after it; a DirectCaller's request
//                    is told one head, one end of the response, one end, and nothing after that. The gauge of exchanges in
//                    flight never goes below zero; when all clients have gone it is zero, as are those of held requests
//                    and the lists of held, waiting and in flight. When all clients have stopped and 16 s have passed (more
//                    than every timeout), every honest request that its peer did not spoil has ended.
// 10 no lost time    after a turn of a worker each of its pools is settled (Pool: nobody waits while there is a usable
//                    connection, without one being opened for him, or while the circuit is open), but not while the
//                    prober is stalled and 105 ms after that changed. Nobody is held longer than 2 (hold_for + 200 ms
//                    ramp) + 5 ms. Of an honest request that has not ended something moved in the last connect + request +
//                    stall of the slowest class + hold_for + 2.2 s: always, if its class has deadlines; if not, since no
//                    fault has been going on, and unless its peer spoiled it.
// 11 no leaks        when all clients have gone (16 s for those who were not being read, 2.5 s for farewells): no listener has a connection, and the
//                    kernel knows as many as pools and farewells do. After the drain: none.
// 12 no second send  a request that its peer has seen is seen again only if the peer had refused it (REFUSED_STREAM; what a
//                    GOAWAY left out it has not seen), or once, if it is a GET or HEAD without a body and the
//                    configuration allows the replay.
// 13 blame           of a blameless peer every outcome is a success, and no circuit but a closed one is published.
// 14 memory          per pool at most max_connections, per protocol max_pending who wait (so per peer three and six times
//                    that); at most 256 farewells a worker. Of each body, what one end has sent and the other not
//                    received is at most the configured buffer + three outputs of 256 KiB + a stream's window of 576 KiB +
//                    two kernels' buffers.
// 15 gates           right after a transition, and 101 ms after the prober stalled or came back, the peer's listening
//                    socket is open exactly if the listener is not draining and the peer answers for its death itself
//                    (`respond`), or its circuit is not open, or the prober is stalled and no operator has spoken. A peer
//                    that refuses and has been dead for 5 ms (105 ms after a stall) has no client connected.
// 16 all is served   in a world that is not tight no honest request of a blameless peer fails: no reset, no answer of peerpulse's
//                    own, no 5xx. In every world: each body byte is the one that was sent at that place; a request ends in
//                    order at the peer, and an answer at the client, only with all bytes that it has; the status is the
//                    peer's; nothing is answered in the name of a peer that has not seen the request.
// Rules 18 to 23 are of worlds whose traffic is the fan-out API's (OperationLedger, FanoutRules); 8 to 15 hold there, too, and of
// 16 what is said of bodies at peers. Words. Operation: what a caller asks the API for; leg: one peer's, or one disk's, part of
// it. Honest: its caller reads, and neither he nor his connection goes away. Paced: he takes his time with the body. Its time:
// the caller's own, for an aggregate peer_timeout and for a notification notify_timeout at most.
//
// 18 no false claim  whatever an answer says of a peer or disk is so: `ok` was said by it, 2xx and to the end, after the caller
//                    had sent all of the body; `error` is its status; what it had all of, and did not refuse, is
//                    `uncertain` if it is said to have failed. Each target is listed once, in order; counts, `partial`,
//                    stored_on and both fields of an erasure's answer agree with the list; no disk is tried after one that
//                    acknowledged; a peer's answer in an aggregate is the one that it gave, byte by byte. A peer gets no leg
//                    that is not its own. An honest caller gets an answer, unless the process cut it off.
// 19 quorum          200 if at least `required` are listed as ok; 503 only if those that are ok and those that are under way are
//                    fewer than that. Where no host or path does anything wrong, an honest caller has his answer within 1 s
//                    of the last acknowledgement by a blameless peer that it takes.
// 20 time            20 ms after its time (what the own process stood still added) an honest caller has his answer, and
//                    nothing of the operation goes on: there are as many operations, legs and requests to each peer under way
//                    as have time left, or have none and are not known to be over (answered, but for a quorum or a notification
//                    that was accepted). A request to a peer outlives its leg by 200 ms at most. A notification is accepted
//                    20 ms after its last byte. 16 s after the last caller has stopped, every honest operation with at most
//                    64 KiB but an erasure (disk after disk) has ended; after all were cut off: none.
// 21 memory          at most max_operations; at most `memory`, and beyond it only the answers of operations that are under way
//                    or over for at most 2 s, each as large as it can be. Of a body at most two replay_limits and what rule 14
//                    allows are sent and not with the peer that has most of it. At the end: nothing.
// 22 notifications   of each peer as many are counted as undelivered as it has not acknowledged of those that were accepted, and
//                    not more than were begun; also when the process cut them off.
// 23 all is served   in a world that is not tight, and whose API is not (max_operations, memory), an honest operation with
//                    a body within replay_limit and 256 KiB and with 3 s or more (an erasure's: no deadline; peer_timeout and
//                    notify_timeout: 1 s) succeeds if enough of its peers are blameless, and none of these is said to have
//                    failed, but for an answer beyond answer_limit. Refused is only what the bounds say: 413 beyond replay_limit
//                    (aggregate, notification), 503 where the API is tight, 504 a notification that is late, of which nobody has all.
#pragma once

#include <array>
#include <cstdint>

#include "carry_rules.h"
#include "event_heap.h"
#include "event_log.h"
#include "guard_rule.h"
#include "prober_model.h"
#include "statistics.h"
#include "wire_model.h"

namespace peerpulse::sim {

enum class Profile : uint8_t { kLan, kFast, kWan };

class Checkers : public ProberObserver, public CarryWatcher {
 public:
  Checkers(EventHeap& heap, EventLog& log, ProberModel& prober, std::array<WireModel, kMaxPeers>& wires)
      : heap_(heap), log_(log), prober_(prober), wires_(wires) {}

  void reset(uint32_t peers, const std::array<health::ProbeOptions, kMaxPeers>& options, Profile profile,
             Statistics& statistics);

  const char* violation() const { return violation_; }
  uint8_t violationPeer() const { return violationPeer_; }

  /// Call both around every fault of the peer; `disturbed`: more than its reachability changed.
  void beforeFault(uint8_t peer);
  void afterFault(uint8_t peer, bool disturbed);
  /// A fault of the own host changed: all peers'.
  void ownHostChanged();
  /// Before the own link is cut, or after it is back.
  void ownLink(bool cut);
  /// At the end of a run: what is still due, and the peer time.
  void finish();

  void onReport(uint8_t peer, const health::Transition& transition) override;
  void onPublish(uint8_t peer, const health::CircuitWord& word) override;
  void onConfirm(uint8_t peer, uint32_t connects) override;
  void onSockets(uint8_t peer, uint32_t open) override;
  void onFed(uint8_t peer, bool ticked) override;

  // Of the carrying half.
  void broken(uint8_t peer, const char* rule) override { fail(peer, rule); }
  void onRefused(uint8_t peer, const health::CircuitWord& word) override;
  void onFailedInFlight(uint8_t peer, const health::CircuitWord& word) override;
  void onTrialSucceeded(uint8_t peer) override { truths_[peer].trialSucceeded = true; }

 private:
  struct Truth {
    bool reachable = true, healthy = true, running = true;
    TimePoint reachableSince, unreachableSince, healthySince, stoppedAt, disturbedAt, deadAt;
    bool cleanCut = false;
    Duration maxSilence{}, maxConfirm{};
    bool lastResort = false;  // nothing but its own port and a kept connection could be asked, since the cut
    // The confirm round under way.
    TimePoint confirmAt;
    bool confirming = false;
    uint32_t rounds = 0;
    bool confirmOnPings = false;  // an established connection with a PING every T is there to go by
    bool confirmMute = false;     // but a middlebox has forgotten it
    bool mutedBefore = false;     // back from an outage of its own, and not heard yet, when the own link was cut
    bool stoppedWhenWell = false;
    TimePoint badSince = TimePoint::max();  // the verdict or circuit is not that of a healthy peer
    TimePoint lossyAt;                      // last
    bool trialSucceeded = false;
    uint64_t ticksBefore = 0;
    TimePoint ticksFrom;
  };

  void fail(uint8_t peer, const char* rule);
  bool lossy(uint8_t peer) const;
  bool clean(uint8_t peer) const;
  LossClass lossClass(uint8_t peer) const;
  double confirmLoss(uint8_t peer, uint32_t connects) const;
  void look(uint8_t peer);
  void checkGuard();
  void checkDead(uint8_t peer, const health::Transition& transition);
  void checkDetection(uint8_t peer);
  void checkRecovery(uint8_t peer);
  void checkCircuit(uint8_t peer, const health::Transition& transition);
  Duration recoveryBound(uint8_t peer) const;
  void countDetection(uint8_t peer);

  EventHeap& heap_;
  EventLog& log_;
  ProberModel& prober_;
  std::array<WireModel, kMaxPeers>& wires_;
  Statistics* statistics_ = nullptr;
  uint32_t peers_ = 0;
  std::array<health::ProbeOptions, kMaxPeers> options_;
  Profile profile_{};
  TimePoint start_;
  std::array<Truth, kMaxPeers> truths_;
  GuardRule guard_;
  bool ownLinkCut_ = false;
  TimePoint ownLinkCutAt_, ownLinkBackAt_;
  bool connectsFailed_ = false;
  TimePoint connectsFailedAt_;  // last
  const char* violation_ = nullptr;
  uint8_t violationPeer_ = 0;
};

}  // namespace peerpulse::sim
