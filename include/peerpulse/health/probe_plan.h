// ProbePlan: what is sent to one peer and when: the probe connection, its PINGs, the fresh connects of the
// lower rungs, and the attempts during an outage. It judges nothing.
//
// The probe connection:
//
//             open                 Connected                      Closed, GoneAway, replaced
//      none ---------> connecting ------------> open ----------------------------------------> none
//        ^                 | not answered in attemptLifetime()
//        +-----------------+
//
// It is opened again at once, but no sooner than recover_interval (and jitter) after the last time: the same
// fixed cadence whether the peer closed it, refused it, or has been dead for a day.
//
// The ladder: GOAWAY ENHANCE_YOUR_CALM leads from fast to slow PINGs, and from slow to L4; an answer that is no
// HTTP/2, or three connections in a row closed before they answered a PING, leads to L4. A peer that polices
// PINGs stays where that led; one that spoke no HTTP/2 is tried once more after each outage, as another program
// may have come back.
//
// Slow PINGs: a connection of its own for each, closed with the answer. No server polices the first PING of a
// connection (gRPC core, Go and Java count from the second), so one GOAWAY in all is what such a peer ever sends.
//
// PINGs keep to a grid, multiples of T plus `phase`: peers of the same phase share a wake-up of the loop.
//
// Host checks: while only its kernel vouches for a peer, and not on the probe connection, confirmPort is
// asked once per S. That keeps the evidence fresh with one SYN per S instead of a suspicion and its burst.
//
// Bounds: at most kSlowedOutstanding PINGs unanswered at the full rate, then one per second, and the
// connection is replaced at kMaxOutstanding (servers take 1,000 queued answers for a flood). Memory is fixed.
//
// Threading: none. No clock, no randomness: jitter is drawn from the seed that comes in.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "peerpulse/base/time.h"
#include "peerpulse/health/failure_detector.h"
#include "peerpulse/health/peer_protocol.h"
#include "peerpulse/health/probe_action.h"
#include "peerpulse/health/probe_mode.h"
#include "peerpulse/health/probe_options.h"
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
  /// During an outage one connect may take this long: a path slower than its last measure is found out by it.
  static constexpr Duration kPatientInterval = seconds(1);
  /// A connection that stayed mute for this long while fresh ones are answered is broken (a NAT or firewall
  /// forgot it).
  static constexpr Duration kBrokenAfter = milliseconds(500);
  /// First connection, path never measured: how long the SYN may take.
  static constexpr Duration kUnmeasuredLifetime = milliseconds(100);
  static constexpr uint32_t kMaxStrikes = 3;

  /// The first connection is opened within T of `start`, spread by the seed.
  ProbePlan(const ProbeOptions& options, uint32_t jitterSeed, TimePoint start, Duration phase);

  ProbeMode mode() const { return mode_; }
  PeerProtocol protocol() const { return protocol_; }
  bool connected() const { return state_ == State::kOpen; }
  /// Whether a SYN-ACK is all that this peer's process can be asked for.
  bool answersByConnect() const { return mode_ == ProbeMode::kL4 && wantsConnects(); }
  /// Of the current connection.
  uint32_t outstanding() const { return state_ == State::kNone ? 0 : sent_ - acked_; }
  /// The interval at which the peer is really probed.
  Duration probeInterval() const;
  /// How its answers are asked for now: what may be expected of them follows from it.
  struct Cadence {
    Duration interval{};
    bool pingsEach = false;  ///< by a PING every interval on an open connection
    bool operator==(const Cadence&) const = default;
  };
  Cadence cadence() const { return {probeInterval(), mode_ == ProbeMode::kFastPing && connected()}; }
  bool current(uint32_t epoch) const { return epoch == epoch_ && state_ != State::kNone; }

  // What happened to the current connection.
  /// Returns the SYN's round trip.
  Duration connected(TimePoint now);
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
  void healthAnswered(TimePoint now, Actions& actions);

  /// A fresh connection was answered: gives up the probe connection if it is mute.
  void answeredElsewhere(TimePoint now, Actions& actions);
  /// Workers got bytes at `at`: no PING is needed for the next 3T/4. Not a whole T: if the data has ended, the
  /// PING that finds out must be answered within the S of dense data.
  void postponeFor(TimePoint at);

  void outageBegan(TimePoint now, Actions& actions);
  void outageEnded(TimePoint now, Actions& actions);

  /// Starts or stops the host checks.
  void checkHost(bool wanted, Duration every, TimePoint now, Actions& actions);

  /// Emits what is due; returns in what way that asks the process for an answer.
  Asked advance(TimePoint now, const PathRtt& path, Actions& actions);
  TimePoint nextDeadline() const;

 private:
  enum class State : uint8_t { kNone, kConnecting, kOpen };

  bool usesHttp2() const { return mode_ != ProbeMode::kL4; }
  bool wantsConnection() const { return usesHttp2() || (recovering_ && asksHealth_); }
  bool wantsConnects() const;
  Duration pingInterval() const;
  Duration attemptLifetime(const PathRtt& path) const;
  void open(TimePoint now, const PathRtt& path, Actions& actions);
  void close(TimePoint now, Actions& actions);
  void ended(TimePoint now);
  void withoutHttp2();
  /// The first point of the grid at or after `t`.
  TimePoint onGrid(TimePoint t) const;
  void sendPing(TimePoint now, Actions& actions);
  void startConnect(TimePoint now, const PathRtt& path, Actions& actions);
  /// Up to a quarter of `d`.
  Duration jitter(Duration d);

  Duration interval_;
  Duration recoverInterval_;
  bool asksHealth_;
  Duration phase_;
  uint32_t random_;

  ProbeMode mode_ = ProbeMode::kFastPing;
  PeerProtocol protocol_ = PeerProtocol::kUnknown;
  State state_ = State::kNone;
  uint32_t epoch_ = 0;
  uint32_t strikes_ = 0;     // connections in a row that ended without an answer
  bool answered_ = false;    // this connection has proved to speak HTTP/2
  bool policed_ = false;     // the peer has sent GOAWAY ENHANCE_YOUR_CALM
  bool relearning_ = false;  // it had no HTTP/2 before the outage: one attempt tells
  bool recovering_ = false;  // between outageBegan() and outageEnded()
  uint32_t sent_ = 0;        // sequence of the last PING of this epoch
  uint32_t acked_ = 0;
  std::array<TimePoint, kSlowedOutstanding> sentAt_{};

  TimePoint openedAt_;
  TimePoint heardHere_;
  TimePoint expiry_ = TimePoint::max();  // of the connection, unless it makes progress
  TimePoint nextOpen_;
  TimePoint nextPing_;
  TimePoint nextConnect_;
  TimePoint nextPatient_ = TimePoint::max();
  TimePoint nextHostCheck_ = TimePoint::max();
  Duration hostCheckInterval_{};
};

}  // namespace peerpulse::health
