// TcpConnection: one connection between the prober's host and a peer's, both kernels' sides of it.
//
//   sending    a segment per write; what the window keeps back is coalesced into one (NODELAY). A segment is
//              lost when a later one was delivered and RTT + minRTT/4 have passed (RACK, RFC 8985), or when
//              RTO = srtt + max(4 rttvar, minimum) has (RFC 6298, doubling): 200 ms, or what the prober could
//              set for its side; then nothing new is sent until the head was acknowledged. The window starts at
//              10, falls to 7/10 per recovery and 1 at an RTO. When it keeps data back, one segment goes out all
//              the same after 2 srtt and two ticks (tail loss probe, RFC 8985 7).
//   receiving  in order; out of order is acknowledged at once with SACK bits; what is old is acknowledged and
//              otherwise ignored; else the ACK rides on the next segment or goes after the delayed-ACK time.
//   DSACK      the ACK of a segment that came twice says so: it was sent again for nothing.
//   TCP_INFO   the age of the last ACK in steps of the kernel's tick, segments unacknowledged, RTT, counters.
//
// A payload is a range of PINGs (or of their ACKs) and flags. Neither side's kernel stops when its process does.
#pragma once

#include <array>
#include <cstdint>

#include "event_heap.h"
#include "link_model.h"
#include "peerpulse/base/time.h"

namespace peerpulse::sim {

enum class Side : uint8_t { kProber, kPeer };
/// Of a packet: where it arrives; of a timer: whose it is.
constexpr Side sideOf(const SimEvent& event) { return static_cast<Side>(event.flag & 1); }
constexpr Side other(Side side) { return side == Side::kProber ? Side::kPeer : Side::kProber; }

struct Payload {
  uint32_t first = 1;  ///< PINGs or ACKs [first, last]; none when first > last
  uint32_t last = 0;
  uint8_t flags = 0;

  static constexpr uint8_t kBytes = 1;     ///< preface, SETTINGS, a GET
  static constexpr uint8_t kGoAway = 2;    ///< ENHANCE_YOUR_CALM
  static constexpr uint8_t kNotHttp2 = 4;  ///< an answer in HTTP/1
  static constexpr uint8_t kFin = 8;
  static constexpr uint8_t kHealth = 16;  ///< a request of HTTP/1, or its answer

  bool empty() const { return first > last && flags == 0; }
  uint32_t pings() const { return first > last ? 0 : last - first + 1; }
  void append(const Payload& more) {
    flags |= more.flags;
    if (more.first > more.last) return;
    if (first > last) first = more.first;
    last = more.last;
  }
};

struct TcpOptions {
  Duration proberDelayedAck = milliseconds(40);
  Duration peerDelayedAck = milliseconds(40);
  Duration tick = milliseconds(4);
  // What probe/ sets on its socket, where the kernel has it.
  Duration proberMinRto = milliseconds(200);
  Duration proberMaxRto = seconds(120);
  Duration proberUserTimeout = seconds(30);
};

struct TcpCounters {
  uint32_t segmentsOut = 0, retransmits = 0, duplicates = 0, segmentsIn = 0, outOfOrder = 0;
};

class TcpConnection {
 public:
  /// Links: to the peer and back.
  void attach(EventHeap& heap, uint8_t peer, LinkModel& out, LinkModel& back, const TcpOptions& options);

  /// Both sides know of it: the SYN took `rtt`.
  void open(uint32_t id, TimePoint now, Duration rtt);
  void forget() { id_ = 0; }
  uint32_t id() const { return id_; }

  void write(Side from, const Payload& payload, TimePoint now);
  /// A packet at `to`: what its application can read now. settle() must follow once it has.
  Payload receive(Side to, const SimEvent& packet, TimePoint now);
  /// Sends the ACK that nothing took along, or plans it.
  void settle(Side side, TimePoint now);
  /// False: the prober's side gave up (TCP_USER_TIMEOUT).
  bool onTimer(Side side, TimePoint now);

  /// A keepalive probe of the prober's side has left it.
  void keepaliveSent() { ++end(Side::kProber).counters.segmentsOut; }
  /// And was answered.
  void keepaliveAnswered(TimePoint now) { end(Side::kProber).lastAck = now; }
  Duration lastAckAge(Side side, TimePoint now) const;
  uint32_t unacked(Side side) const { return end(side).next - end(side).una; }
  /// The prober's side could set its RTO to milliseconds.
  bool retransmitsQuickly() const { return options_.proberMinRto < milliseconds(200); }
  Duration smoothedRtt(Side side) const { return end(side).smoothed; }
  Duration rttVariation(Side side) const { return end(side).variation; }
  const TcpCounters& counters(Side side) const { return end(side).counters; }

 private:
  static constexpr uint32_t kRing = 64;
  struct Segment {
    TimePoint sentAt;
    Payload payload;
    bool sacked = false;
    bool resent = false;
  };
  struct End {
    // What it sends.
    std::array<Segment, kRing> ring;
    uint32_t una, next;
    Payload unsent;
    uint32_t inFlight, window, backoff, recoverUntil;
    bool limited, afterRto, measured;
    Duration smoothed, variation, minRtt, rackRtt;
    TimePoint rackSent, rtoAt, rackAt, probeAt;
    // What it receives.
    uint32_t expected;
    uint64_t early;  // bit i: segment expected + 1 + i is here
    bool owesAck, owesAckNow, owesDsack;
    TimePoint ackAt, lastAck;
    TimePoint timerAt;  // of the timer in the heap
    Duration delayedAck, minRto, maxRto, userTimeout;
    TimePoint silentSince;  // unacknowledged since
    TcpCounters counters;
  };
  End& end(Side side) { return ends_[static_cast<size_t>(side)]; }
  const End& end(Side side) const { return ends_[static_cast<size_t>(side)]; }

  void transmit(Side from, uint32_t number, TimePoint now);
  void resend(Side from, uint32_t number, TimePoint now);
  void pump(Side from, TimePoint now);
  void sendNew(Side from, TimePoint now);
  void acknowledge(Side side, uint32_t ack, uint32_t sack, TimePoint now);
  void delivered(End& e, Segment& segment, TimePoint now);
  void findLosses(Side side, TimePoint now);
  void restartRto(End& e, TimePoint now);
  void arm(Side side);

  EventHeap* heap_ = nullptr;
  std::array<LinkModel*, 2> links_{};  // by sending side
  uint8_t peer_ = 0;
  TcpOptions options_;
  uint32_t id_ = 0;
  std::array<End, 2> ends_{};
};

}  // namespace peerpulse::sim
