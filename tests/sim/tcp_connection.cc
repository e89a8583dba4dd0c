#include "tcp_connection.h"

#include <algorithm>

#include "never.h"

namespace peerpulse::sim {

namespace {

constexpr uint32_t kFirstWindow = 10;
constexpr uint16_t kDsack = 2;  // in SimEvent::flag, beside the side

}  // namespace

void TcpConnection::attach(EventHeap& heap, uint8_t peer, LinkModel& out, LinkModel& back,
                           const TcpOptions& options) {
  heap_ = &heap;
  peer_ = peer;
  links_ = {&out, &back};
  options_ = options;
  id_ = 0;
}

void TcpConnection::open(uint32_t id, TimePoint now, Duration rtt) {
  id_ = id;
  for (const Side side : {Side::kProber, Side::kPeer}) {
    End& e = end(side);
    e.una = e.next = e.expected = 1;
    e.unsent = {};
    e.inFlight = e.backoff = e.recoverUntil = 0;
    e.window = kFirstWindow;
    e.limited = e.afterRto = e.owesAck = e.owesAckNow = e.owesDsack = false;
    e.measured = true;
    e.smoothed = e.minRtt = e.rackRtt = rtt;
    e.variation = rtt / 2;
    e.rackSent = TimePoint();
    e.rtoAt = e.rackAt = e.probeAt = e.ackAt = e.timerAt = kNever;
    e.early = 0;
    e.lastAck = now;
    e.delayedAck = side == Side::kProber ? options_.proberDelayedAck : options_.peerDelayedAck;
    const bool prober = side == Side::kProber;
    e.minRto = prober ? options_.proberMinRto : milliseconds(200);
    e.maxRto = prober ? options_.proberMaxRto : seconds(120);
    e.userTimeout = prober ? options_.proberUserTimeout : Duration::max();
    e.counters = {};
  }
}

void TcpConnection::write(Side from, const Payload& payload, TimePoint now) {
  end(from).unsent.append(payload);
  pump(from, now);
  arm(from);
}

void TcpConnection::pump(Side from, TimePoint now) {
  End& e = end(from);
  if (e.unsent.empty()) return;
  if (e.afterRto || e.inFlight >= e.window || e.next - e.una >= kRing) {
    e.limited = true;
    if (!e.afterRto && e.next - e.una < kRing && e.probeAt == kNever) {
      e.probeAt = now + 2 * e.smoothed + 2 * options_.tick;
    }
    return;
  }
  sendNew(from, now);
}

void TcpConnection::sendNew(Side from, TimePoint now) {
  End& e = end(from);
  Segment& segment = e.ring[e.next % kRing];
  segment = {now, e.unsent, false, false};
  e.unsent = {};
  ++e.inFlight;
  if (e.una == e.next) e.silentSince = now;
  if (e.rtoAt == kNever) restartRto(e, now);
  transmit(from, e.next++, now);
}

void TcpConnection::transmit(Side from, uint32_t number, TimePoint now) {
  End& e = end(from);
  ++e.counters.segmentsOut;
  const bool dsack = e.owesDsack;
  e.owesAck = e.owesAckNow = e.owesDsack = false;
  e.ackAt = kNever;
  const auto at = links_[static_cast<size_t>(from)]->carry(now);
  if (!at.has_value()) return;
  SimEvent packet;
  packet.kind = EventKind::kPacket;
  packet.peer = peer_;
  packet.flag = static_cast<uint16_t>(static_cast<uint16_t>(other(from)) | (dsack ? kDsack : 0));
  packet.a = id_;
  packet.b = number;
  packet.c = e.expected;
  packet.d = static_cast<uint32_t>(e.early);
  heap_->push(*at, packet);
}

void TcpConnection::resend(Side from, uint32_t number, TimePoint now) {
  End& e = end(from);
  Segment& segment = e.ring[number % kRing];
  segment.sentAt = now;
  segment.resent = true;
  ++e.counters.retransmits;
  transmit(from, number, now);
}

Payload TcpConnection::receive(Side to, const SimEvent& packet, TimePoint now) {
  End& e = end(to);
  ++e.counters.segmentsIn;
  const uint32_t number = packet.b;
  if (number != 0 && number < e.expected) {  // seen before: its ACK is not looked at
    e.owesAck = e.owesAckNow = e.owesDsack = true;
    return {};
  }
  if ((packet.flag & kDsack) != 0) ++e.counters.duplicates;
  acknowledge(to, packet.c, packet.d, now);
  if (number == 0) return {};
  e.owesAck = true;
  if (number > e.expected) {
    const uint32_t bit = number - e.expected - 1;
    if (bit < 64) e.early |= uint64_t{1} << bit;
    ++e.counters.outOfOrder;
    e.owesAckNow = true;
    return {};
  }
  const End& sender = end(other(to));
  Payload read = sender.ring[e.expected++ % kRing].payload;
  if (e.early != 0) e.owesAckNow = true;
  while ((e.early & 1) != 0) {
    read.append(sender.ring[e.expected++ % kRing].payload);
    e.early >>= 1;
  }
  e.early >>= 1;
  return read;
}

void TcpConnection::settle(Side side, TimePoint now) {
  End& e = end(side);
  if (e.owesAckNow) {
    transmit(side, 0, now);
  } else if (e.owesAck && e.ackAt == kNever) {
    e.ackAt = now + e.delayedAck;
  }
  arm(side);
}

void TcpConnection::acknowledge(Side side, uint32_t ack, uint32_t sack, TimePoint now) {
  End& e = end(side);
  e.lastAck = now;
  bool progress = false;
  for (; e.una < ack && e.una < e.next; ++e.una) {
    delivered(e, e.ring[e.una % kRing], now);
    progress = true;
  }
  for (uint32_t number = ack + 1; sack != 0 && number < e.next; ++number, sack >>= 1) {
    if ((sack & 1) == 0 || number < e.una) continue;
    progress = progress || !e.ring[number % kRing].sacked;
    delivered(e, e.ring[number % kRing], now);
  }
  if (!progress) return;
  e.silentSince = now;
  e.probeAt = kNever;
  e.afterRto = false;
  e.backoff = 0;
  if (e.limited && e.window < kRing) ++e.window;
  if (e.una == e.next) {
    e.rtoAt = kNever;
    e.rackAt = kNever;
  } else {
    restartRto(e, now);
    findLosses(side, now);
  }
  e.limited = false;
  pump(side, now);
}

void TcpConnection::delivered(End& e, Segment& segment, TimePoint now) {
  if (segment.sacked) return;
  segment.sacked = true;
  --e.inFlight;
  const Duration sample = now - segment.sentAt;
  // An ACK that comes sooner than the path allows is of the first transmission (RFC 8985 6.2).
  if (segment.resent && sample < e.minRtt) return;
  if (segment.sentAt >= e.rackSent) {
    e.rackSent = segment.sentAt;
    e.rackRtt = sample;
  }
  if (segment.resent) return;  // Karn
  e.minRtt = std::min(e.minRtt, sample);
  e.variation = (3 * e.variation + std::chrono::abs(e.smoothed - sample)) / 4;
  e.smoothed = (7 * e.smoothed + sample) / 8;
}

void TcpConnection::findLosses(Side side, TimePoint now) {
  End& e = end(side);
  e.rackAt = kNever;
  for (uint32_t number = e.una; number < e.next; ++number) {
    const Segment& segment = e.ring[number % kRing];
    if (segment.sacked || segment.sentAt >= e.rackSent) continue;
    const TimePoint lostAt = segment.sentAt + e.rackRtt + e.minRtt / 4;
    if (lostAt > now) {
      e.rackAt = std::min(e.rackAt, lostAt);
      continue;
    }
    if (number >= e.recoverUntil) {  // one reduction per recovery
      e.window = std::max(2u, e.window * 7 / 10);
      e.recoverUntil = e.next;
    }
    resend(side, number, now);
  }
}

void TcpConnection::restartRto(End& e, TimePoint now) {
  const Duration rto = (e.smoothed + std::max(4 * e.variation, e.minRto)) * (1 << std::min(e.backoff, 10u));
  e.rtoAt = now + std::min(rto, e.maxRto);
}

bool TcpConnection::onTimer(Side side, TimePoint now) {
  End& e = end(side);
  if (e.timerAt > now) return true;  // another one was set for sooner
  e.timerAt = kNever;
  if (now >= e.ackAt) transmit(side, 0, now);
  if (now >= e.rackAt) findLosses(side, now);
  if (now >= e.probeAt) {
    e.probeAt = kNever;
    if (!e.unsent.empty() && e.next - e.una < kRing) sendNew(side, now);
  }
  if (now >= e.rtoAt) {
    e.probeAt = kNever;
    e.rtoAt = kNever;
    if (e.una != e.next) {
      if (now - e.silentSince >= e.userTimeout) return false;
      ++e.backoff;
      e.window = 1;
      e.afterRto = true;
      e.recoverUntil = e.next;
      restartRto(e, now);
      resend(side, e.una, now);
    }
  }
  arm(side);
  return true;
}

void TcpConnection::arm(Side side) {
  End& e = end(side);
  const TimePoint wanted = std::min({e.rtoAt, e.rackAt, e.probeAt, e.ackAt});
  if (wanted >= e.timerAt) return;
  e.timerAt = wanted;
  SimEvent timer;
  timer.kind = EventKind::kTcpTimer;
  timer.peer = peer_;
  timer.flag = static_cast<uint16_t>(side);
  timer.a = id_;
  heap_->push(wanted, timer);
}

Duration TcpConnection::lastAckAge(Side side, TimePoint now) const {
  const auto ticks = [this](TimePoint t) { return t.time_since_epoch() / options_.tick; };
  return (ticks(now) - ticks(end(side).lastAck)) * options_.tick;
}

}  // namespace peerpulse::sim
