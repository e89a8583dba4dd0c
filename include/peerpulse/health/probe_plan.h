// ProbePlan: what is sent to one peer and when: the probe connection, its PINGs and requests, the echoes and fresh
// connects of the lower rungs, and the attempts during an outage. It judges nothing.
//
// The probe connection:
//
//             open                 Connected                      Closed, GoneAway, replaced
//      none ---------> connecting ------------> open ----------------------------------------> none
//        ^                 |   |                  ^
//        |                 |   +--Reached--> handshaking (TLS)
//        |                 |                      | not done in kHandshakePatience, kRecoveryHandshake
//        +-----------------+----------------------+
//            not answered in attemptLifetime()
//
// It is opened again at once, but no sooner than recover_interval (and jitter) after the last time: the same
// fixed cadence whether the peer closed it, refused it, or has been dead for a day.
//
// The ladder: GOAWAY ENHANCE_YOUR_CALM leads from fast to slow PINGs, and from slow to L4; an answer that is no
// HTTP/2, or three connections in a row closed before they answered a PING (or in TLS's handshake), leads to L4. A peer that polices
// PINGs stays where that led; one that spoke no HTTP/2 is tried once more after each outage, as another program
// may have come back.
//
// Below fast PINGs host and process are asked apart.
//   host     an ICMP echo every T where they are answered (EchoTrack), else a TCP connect every T. A store pays 3 to 4 % of
//            a core for 50 connects a second, and nothing for echoes.
//   process  slow PINGs; on L4 requests (ProcessCheck) on a connection that is kept, to a peer that answered the preface in
//            HTTP/1 or has a health path; else a TCP connect per process interval, sooner while it is not answered, which
//            asks no more than whether it accepts: it is also what finds a process gone.
//
// Slow PINGs: a connection of its own for each, closed with the answer. No server polices the first PING of a
// connection (gRPC core, Go and Java count from the second), so one GOAWAY in all is what such a peer ever sends.
//
// PINGs and echoes keep to a grid, multiples of T plus `phase`: peers of the same phase share a wake-up of the loop.
//
// Host checks: while only its kernel vouches for a peer, and not on the probe connection, confirmPort is
// asked once per S. That keeps the evidence fresh with one SYN per S instead of a suspicion and its burst.
//
// Last resort: a host that is not known to answer echoes or on confirmPort (both are tried while it lives) has nothing to
// tell a full accept queue from a cut by. There the probe connection is kept, idle if need be, and its kernel is made to
// acknowledge: by keepalive probes, which it answers once per kDrawInterval. Of a connection that was opened while the
// queue filled up its kernel may know the SYN alone: it answers keepalive probes, and drops what else is sent. So a peer
// that ends its connections with each answer (HTTP/1.0) is sent no requests there: it would never have one that tells.
//
// Bounds: at most kSlowedOutstanding PINGs unanswered at the full rate, then one per second, and the
// connection is replaced at kMaxOutstanding (servers take 1,000 queued answers for a flood). Memory is fixed.
//
// Threading: none. No clock, no randomness: jitter is drawn from the seed that comes in.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "peerpulse/base/time.h"
#include "peerpulse/health/echo_track.h"
#include "peerpulse/health/failure_detector.h"
#include "peerpulse/health/peer_protocol.h"
#include "peerpulse/health/probe_action.h"
#include "peerpulse/health/probe_mode.h"
#include "peerpulse/health/probe_options.h"
#include "peerpulse/health/process_check.h"
#include "peerpulse/health/rtt_estimator.h"

namespace peerpulse::health {

class ProbePlan {
 public:
  static constexpr uint32_t kSlowedOutstanding = 256;
  static constexpr uint32_t kMaxOutstanding = 900;
  static constexpr Duration kSlowedInterval = seconds(1);
  static constexpr Duration kSlowPingInterval = seconds(10);
  /// A slow PING's connection that was given up is replaced after this, unless there is an outage.
  static constexpr Duration kSlowRetry = seconds(1);
  /// During an outage: how long a connection that the kernel accepted may take to answer, and how often a
  /// health path that answered badly is asked again.
  static constexpr Duration kAnswerPatience = milliseconds(500);
  static constexpr Duration kHealthRetry = milliseconds(100);
  /// How long a handshake may take; in an outage less, as the connection may be one of before a second cut. All who use a
  /// process that has just begun shake hands with it at once: who gave up early and began anew would keep it at that.
  static constexpr Duration kHandshakePatience = seconds(5);
  static constexpr Duration kRecoveryHandshake = seconds(2);
  /// During an outage one connect may take this long: a path slower than its last measure is found out by it.
  static constexpr Duration kPatientInterval = seconds(1);
  /// A connection that stayed mute for this long while fresh ones are answered is broken (a NAT or firewall
  /// forgot it).
  static constexpr Duration kBrokenAfter = milliseconds(500);
  /// First connection, path never measured: how long the SYN may take.
  static constexpr Duration kUnmeasuredLifetime = milliseconds(100);
  static constexpr uint32_t kMaxStrikes = 3;
  /// After so many connections that it ended with its first answer a peer is one that keeps none.
  static constexpr uint32_t kMaxBrief = 2;
  /// A keepalive probe is sent of a connection on which nothing has come for a second, and answered once per 500 ms
  /// (tcp_invalid_ratelimit).
  static constexpr Duration kDrawIdle = seconds(1);
  static constexpr Duration kDrawInterval = milliseconds(1100);
  /// Before it is taken for known that no other port answers.
  static constexpr uint32_t kPortTrials = 2;
  static constexpr Duration kPortTrialInterval = seconds(1);

  /// The first connection is opened within T of `start`, spread by the seed.
  ProbePlan(const ProbeOptions& options, uint32_t jitterSeed, TimePoint start, Duration phase);

  ProbeMode mode() const { return mode_; }
  PeerProtocol protocol() const { return protocol_; }
  bool connected() const { return state_ == State::kOpen; }
  bool connecting() const { return state_ == State::kConnecting; }
  /// The means of now; nothing during an outage, and until it has been tried anew whether the peer speaks HTTP/2.
  std::optional<Rungs> rungs() const;
  /// The process is asked by requests.
  bool asksRequests() const;
  /// The silence of echoes may make the peer suspect.
  bool goesByEchoes() const { return asksHost() && echo_.trusted(); }
  /// Too young to be gone by, but every echo that was sent before then was answered.
  bool echoesNeverMissed(TimePoint before) const { return asksHost() && echo_.neverMissed(before); }
  /// Nothing of the host is known to answer but its own port and the probe connection.
  bool lastResort() const { return asksHost() && !echo_.trusted() && otherPort_ != OtherPort::kAnswers; }
  /// The probe connection, where its ACKs do not come by themselves.
  std::optional<uint32_t> drawable() const {
    return asksHost() && state_ == State::kOpen ? std::optional(epoch_) : std::nullopt;
  }
  /// There is one, and its silence would mean something. `here`: what our kernel knows of it.
  bool drawTells(const KernelView& here) const {
    return drawable().has_value() && (answeredHere() || here.unacked == 0);
  }
  const EchoTrack::Counts& echoes() const { return echo_.counts(); }
  /// Whether a SYN-ACK is all that a peer which was out can be asked for.
  bool endsOutageByConnect() const { return mode_ == ProbeMode::kL4 && recovering_ && !asksHealth_; }
  /// Of the current connection.
  uint32_t outstanding() const { return state_ == State::kNone ? 0 : sent_ - acked_; }
  /// The interval at which the peer is really probed.
  Duration probeInterval() const;
  /// How its answers are asked for now: what may be expected of them follows from it.
  struct Cadence {
    Duration interval{};
    bool pingsEach = false;  ///< by a PING every interval on an open connection
    bool echoes = false;     ///< by an echo every interval
    bool operator==(const Cadence&) const = default;
  };
  Cadence cadence() const { return {probeInterval(), mode_ == ProbeMode::kFastPing && connected(), goesByEchoes()}; }
  bool current(uint32_t epoch) const { return epoch == epoch_ && state_ != State::kNone; }

  // What happened to the current connection.
  /// Returns the SYN's round trip; the handshake begins.
  Duration reached(TimePoint now);
  /// Returns the SYN's round trip; nothing after reached().
  std::optional<Duration> connected(TimePoint now);
  /// Returns the PING's round trip (nothing if it is no longer known); `valid` is false for an ACK of
  /// nothing.
  struct Ack {
    bool valid = false;
    std::optional<Duration> rtt;
  };
  Ack acked(uint32_t sequence, TimePoint now, Actions& actions);
  /// A sign of life on this very connection, at `at`.
  void heardHere(TimePoint at);
  void goneAway(bool enhanceYourCalm, TimePoint now, Actions& actions);
  void closed(bool notHttp2, bool refused, TimePoint now);
  void requestAnswered(TimePoint now, Actions& actions);

  /// Sends a request on the probe connection now, if it carries any, none is waiting, and one has been answered there.
  bool requestNow(TimePoint now, Actions& actions);

  // What happened to echoes and connects.
  /// Returns the round trip; nothing if it is no echo that is still waited for.
  std::optional<Duration> echoAnswered(uint32_t sequence, TimePoint now) { return echo_.answered(sequence, now); }
  void echoUnsent() { echo_.unsent(); }
  /// A suspicion was cleared by something else than an echo; `patience`: how long an answer may take.
  void suspicionRefuted(TimePoint now, Duration patience);
  /// One of the cadence.
  void connectAnswered();
  /// The host answered on confirmPort.
  void otherPortAnswered() { otherPort_ = OtherPort::kAnswers; }

  /// A fresh connection or an echo was answered: gives up the probe connection if it is mute. `here`: what our kernel knows
  /// of it.
  void answeredElsewhere(const KernelView& here, TimePoint now, Actions& actions);
  /// Workers got bytes at `at`: no PING is needed for the next 3T/4. Not a whole T: if the data has ended, the
  /// PING that finds out must be answered within the S of dense data.
  void postponeFor(TimePoint at);

  void outageBegan(TimePoint now, Actions& actions);
  void outageEnded(TimePoint now, Actions& actions);

  /// A confirm asks the host's other port by itself: a trial would take the place of its connects, which may be on their way.
  void confirming(bool on) { confirming_ = on; }
  /// Starts or stops the host checks.
  void checkHost(bool wanted, Duration every, TimePoint now, Actions& actions);

  /// Emits what is due; returns what is owed for it.
  struct Due {
    Asked asked = Asked::kNothing;
    TimePoint since;         ///< of the answer that is owed
    uint32_t exchanges = 0;  ///< packets of a cadence that the peer's kernel answers by one
    void owe(Asked how, TimePoint from);
  };
  Due advance(TimePoint now, const PathRtt& path, Actions& actions);
  TimePoint nextDeadline() const;

 private:
  enum class State : uint8_t { kNone, kConnecting, kHandshaking, kOpen };
  /// kUnknown, tried kPortTrials times --> kSilent; any --an answer--> kAnswers; an outage ends --> kUnknown.
  enum class OtherPort : uint8_t { kUnknown, kAnswers, kSilent };

  bool usesHttp2() const { return mode_ != ProbeMode::kL4; }
  bool asksHost() const { return mode_ != ProbeMode::kFastPing && !recovering_; }
  bool wantsConnection() const { return usesHttp2() || (recovering_ ? asksHealth_ : asksRequests() || lastResort()); }
  /// A connection of a slow PING that was answered, kept until the next one is due.
  bool replaced() const { return mode_ == ProbeMode::kSlowPing && answered_ && outstanding() == 0; }
  /// The probe connection carries requests, now.
  bool requestsDue() const { return !usesHttp2() && (recovering_ || (asksRequests() && !sparesConnection())); }
  /// A confirm wants keepalive probes on it, and our kernel sends none while anything else is unacknowledged.
  bool sparesConnection() const {
    return confirming_ && lastResort() && answersHere_ == 0 && !requests_.outstanding();
  }
  /// This connection is known to the peer's process, and so to its kernel.
  bool answeredHere() const { return usesHttp2() ? answered_ : answersHere_ > 0; }
  bool wantsConnects() const;
  /// Of the cadence, but for what is not answered.
  Duration connectInterval() const { return echo_.trusted() ? processInterval() : interval_; }
  Duration processInterval() const { return std::max(requests_.interval(), interval_); }
  Duration pingInterval() const;
  Duration attemptLifetime(const PathRtt& path) const;
  void open(TimePoint now, const PathRtt& path, Actions& actions);
  void close(TimePoint now, Actions& actions);
  void ended(TimePoint now);
  void withoutHttp2();
  /// The first point of the grid at or after `t`.
  TimePoint onGrid(TimePoint t) const;
  void sendPing(TimePoint now, Actions& actions);
  void sendRequest(TimePoint now, Due& due, Actions& actions);
  void sendEcho(TimePoint now, Due& due, Actions& actions);
  bool triesOtherPort() const {
    return asksHost() && echo_.refused() && otherPort_ == OtherPort::kUnknown && !confirming_;
  }
  void tryOtherPort(TimePoint now, Actions& actions);
  void checkHostNow(Actions& actions);
  void startConnect(TimePoint now, const PathRtt& path, Actions& actions);
  /// Up to a quarter of `d`.
  Duration jitter(Duration d);

  Duration interval_;
  Duration recoverInterval_;
  Duration phase_;
  bool asksHealth_;
  bool hasOtherPort_;
  ProbeMode mode_ = ProbeMode::kFastPing;
  PeerProtocol protocol_ = PeerProtocol::kUnknown;
  uint32_t random_;

  EchoTrack echo_;
  ProcessCheck requests_;
  State state_ = State::kNone;
  ConnectionKind kind_{};  // of the connection
  OtherPort otherPort_;
  bool answered_ = false;    // this connection has proved to speak HTTP/2
  bool policed_ = false;     // the peer has sent GOAWAY ENHANCE_YOUR_CALM
  bool relearning_ = false;  // it had no HTTP/2 before the outage: one attempt tells
  bool recovering_ = false;  // between outageBegan() and outageEnded()
  bool confirming_ = false;
  uint32_t epoch_ = 0;
  uint32_t strikes_ = 0;      // connections in a row that ended without an answer
  uint32_t answersHere_ = 0;  // to requests, on this connection
  uint32_t brief_ = 0;        // connections in a row that the peer ended with its first answer (HTTP/1.0)
  uint32_t sent_ = 0;         // sequence of the last PING of this epoch
  uint32_t acked_ = 0;
  uint32_t unansweredConnects_ = 0;  // of the cadence, in a row
  uint32_t portTrials_ = 0;
  std::array<TimePoint, kSlowedOutstanding> sentAt_{};

  TimePoint openedAt_;
  TimePoint heardHere_;
  TimePoint expiry_ = TimePoint::max();  // of the connection, unless it makes progress
  TimePoint nextOpen_;
  TimePoint nextPing_;
  TimePoint nextConnect_;
  TimePoint lastConnect_;
  TimePoint nextEcho_;
  TimePoint nextPatient_ = TimePoint::max();
  TimePoint nextPortTrial_;
  TimePoint nextHostCheck_ = TimePoint::max();
  Duration hostCheckInterval_{};
};

}  // namespace peerpulse::health
