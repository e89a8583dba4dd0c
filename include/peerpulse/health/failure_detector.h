// FailureDetector: turns evidence of life and its absence into a verdict on one peer (design section 3).
//
//               answered                      silence > S                  C without evidence
//   unknown ----------------> alive -------------------------> suspect ------------------------> dead
//      |                      ^   ^ \                            |                                |
//      | silence > S, and     |   |  \ no answer for             | any evidence                   | answered
//      | C without evidence   |   |   \ stall_after              v                                v
//      +--> dead              |   |    +--> stalled         alive, or stalled                   alive
//                             |   +-------------+
//                             | answered          answered
//   any -- RST to a SYN --> refusing -- S + C without a further RST --> dead
//
// Two stages. Silence on every connection for S starts the confirm (judge() returns kConfirm: the caller
// opens K fresh connections); C later without any evidence is death. While it may be the own host that is cut
// off, the confirm has a second round: K more connections, C more. `unknown` goes through the same confirm
// without being called suspect. Dead and refusing end by an answer of the process alone.
//
// Evidence has two ranks. What the process said (a PING's ACK, any byte) and what only its kernel said
// (SYN-ACK, ACK progress in TCP_INFO, RST). Either keeps a peer from being dead; a peer that only its kernel
// vouches for while probes stay unanswered becomes stalled. Kernels may delay an ACK by up to 200 ms, so with
// nothing else to go by S is longer by that much (else a paused process would be suspected again with each
// delayed ACK). Where our kernel sends an unacknowledged PING again within milliseconds it is not: a segment that
// comes twice is acknowledged at once (RFC 9293 3.8.6.3, RFC 5681 4.2).
//
// Bounds, from the last packet of a host to dead: S + C; S + 2C if the own host is suspect; S + delayedAck + C if
// only its kernel had spoken of late, on the probe connection or on another port (accept queue full).
//
// Threading: none. No clock: `now` comes in and must not go backwards.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "peerpulse/base/time.h"
#include "peerpulse/health/probe_options.h"
#include "peerpulse/health/rtt_estimator.h"
#include "peerpulse/health/verdict.h"

namespace peerpulse::health {

/// S and C as they are for this path now.
struct DetectionLimits {
  Duration silence{};
  Duration confirm{};
  /// How long an answer to a connect may take over this path; C is at least that.
  Duration answer{};
  /// How much longer than S a kernel may be silent that had only ACKs to send.
  Duration delayedAck = kDelayedAck;

  /// How long a kernel may delay an ACK (RFC 9293 allows 500 ms; Linux, Windows and BSD stay within 200 ms).
  static constexpr Duration kDelayedAck = milliseconds(200);
  /// The same, beside the longest round trip of the probe connection's segments and ACKs, where PINGs are sent again
  /// after one and 8 ms (TCP_RTO_MIN_US).
  static constexpr Duration kPromptAck = milliseconds(20);
  /// A path that was never measured may be longer than the profile thinks.
  static constexpr Duration kUnmeasuredAnswer = milliseconds(50);

  /// How regularly signs of life come.
  struct Signs {
    bool dense = false;  ///< data comes all the time (DataRhythm)
    /// An echo every T: of one that is lost nothing is sent again, the next is answered T later and that is all.
    bool echoes = false;
    /// A lost PING is sent again after a round trip and 8 ms: this one, as the kernel measures it on the probe
    /// connection, delayed ACKs included (RFC 6298).
    std::optional<PathRtt> resending = std::nullopt;
  };
  /// `interval` is that at which the peer is really probed.
  static DetectionLimits of(const ProbeOptions& options, Duration interval, const PathRtt& path, const Signs& signs);
};

/// What an answer is owed to.
enum class Asked : uint8_t {
  kNothing,
  kConnect,  ///< a connect: its kernel's answer is all that can be had
  kProcess,  ///< a PING or a request: what only the process answers
};

class FailureDetector {
 public:
  /// The silence clock starts at `start`.
  FailureDetector(const ProbeOptions& options, TimePoint start);

  Verdict verdict() const { return verdict_; }
  /// The confirm stage is under way.
  bool confirming() const { return confirming_; }
  /// The confirm stage is in its second round.
  bool secondRound() const { return confirming_ && secondRound_; }
  /// An outage: only an answer ends it.
  bool recovering() const { return verdict_ == Verdict::kDead || verdict_ == Verdict::kRefusing; }
  /// Stalled for so long that new exchanges must not be sent any more.
  bool stalledTooLong() const { return stalledTooLong_; }
  /// Whether only the kernel has given signs of life of late.
  bool kernelOnly() const { return kernelOnly_; }

  /// The process answered a probe: it is alive whatever the verdict was.
  void answered(TimePoint at);
  /// The process sent something else at `at`.
  void heard(TimePoint at);
  /// Its kernel gave a sign of life at `at`.
  void kernelHeard(TimePoint at, const DetectionLimits& limits);
  /// The same by an answer that is never delayed: to a SYN, or to an echo.
  void kernelAnswered(TimePoint at, const DetectionLimits& limits);
  /// Its kernel answered a SYN by RST.
  void refused(TimePoint now);

  /// An answer is owed since then.
  void asked(Asked how, TimePoint since);
  /// A connect was answered, or nobody was asked by it: an answer is owed only to what asked the process.
  void connectAnswered();
  /// It will not be asked in that way any more: answers are not waited for.
  void askedNoMore() { unansweredSince_.reset(); }
  /// What was to ask it could not leave this host (no descriptor, port or memory): nobody was asked, and nobody is silent.
  void couldNotAsk(TimePoint now);
  /// The same of what asks only its host.
  void couldNotAskHost(TimePoint now) { judgedFrom_ = std::max(judgedFrom_, now); }
  /// Not one connect of the confirm could leave this host, and nothing else asks the peer: no death without a confirm.
  void giveUpConfirm(TimePoint now);
  /// Whether at least one confirm connect really left this host.
  void confirmTried(bool tried) { confirmTried_ = tried; }
  /// Confirm connects left: they have until then to be answered, however late in the round they were sent.
  void confirmSent(TimePoint answeredBy) { answeredBy_ = std::max(answeredBy_, answeredBy); }
  /// Our own loop was late by `late`: what was not heard meanwhile proves nothing. That time is no silence; after
  /// a pause of S and more, in which nothing was asked either, silence starts over; a confirm starts over (true:
  /// the caller opens fresh connections again). Starting over happens kMaxVoids times without a sign of life: a
  /// loop that is always late must find a dead peer too, and what arrives while it is late is read before it
  /// judges.
  bool voidRound(Duration late, const DetectionLimits& limits, TimePoint now);

  enum class Step : uint8_t { kNone, kConfirm };
  /// Judges what is due. The caller has reported everything that arrived before `now`. kConfirm begins a round
  /// of the confirm stage; `ownHostSuspect` (LocalHealth) asks for a second one before death.
  Step judge(TimePoint now, const DetectionLimits& limits, bool ownHostSuspect);

  /// When silence would be judged; TimePoint::max() if never.
  TimePoint silenceDeadline(const DetectionLimits& limits) const;
  /// When judge() has something to do.
  TimePoint nextDeadline(const DetectionLimits& limits) const;

  /// The last evidence of life; the start if there was none.
  TimePoint lastEvidence() const { return lastEvidence_; }
  /// The silence in which the present or the last suspicion began to count.
  TimePoint silentSince() const { return silentSince_; }
  /// How long the process has owed an answer.
  Duration unansweredFor(TimePoint now) const;

  /// C counts from when S was over, but for a timer that was later than this.
  static constexpr Duration kTimerSlack = milliseconds(1);
  /// Without one confirm connect that left this host (no descriptors, no ports) the death of a peer that leaves PINGs on an
  /// open connection unanswered takes this much silence.
  static constexpr Duration kUnconfirmedSilence = seconds(1);
  static constexpr uint32_t kMaxVoids = 2;

 private:
  void transition(Verdict to);
  void clear(TimePoint at);
  /// Nothing is owed for what was asked before `at`.
  void settleDebt(TimePoint at);
  TimePoint confirmDeadline(const DetectionLimits& limits) const;

  Duration stallAfter_;
  Duration stallOpenAfter_;
  Verdict verdict_ = Verdict::kUnknown;
  bool confirming_ = false;
  bool confirmTried_ = false;
  bool secondRound_ = false;  // of the confirm
  /// What cleared the suspicion was heard before the confirm began, as the last ACK of an upload that a worker reports when
  /// it is asked: if by now S is over from there, too, the connects of that confirm are out, and are still its question.
  bool askedSince_ = false;
  uint32_t voids_ = 0;   // rounds of this confirm that started over
  uint32_t pauses_ = 0;  // of ours since the last sign of life
  bool kernelOnly_ = false;
  bool stalledTooLong_ = false;
  TimePoint lastEvidence_;
  TimePoint judgedFrom_;  // silence counts from here: the last evidence, or a voided round
  TimePoint silentSince_;
  TimePoint confirmStart_;
  TimePoint answeredBy_;  // of the connects of this round
  TimePoint owesFrom_;
  std::optional<TimePoint> unansweredSince_;
  Asked unanswered_ = Asked::kNothing;  // kConnect: nothing but connects since then
};

}  // namespace peerpulse::health
