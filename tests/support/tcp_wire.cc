// The wire's side of TcpEnd: what packets and timers do to it, and what it sends.
#include <algorithm>

#include "memory_listener.h"
#include "memory_network.h"
#include "memory_transport.h"
#include "tcp_end.h"

namespace peerpulse::test {

namespace {

using Kind = Packet::Kind;

constexpr uint8_t kMaxSynAcks = 6;  // tcp_synack_retries + 1

}  // namespace

// --- receiving -------------------------------------------------------------------------------------------------

void TcpEnd::receive(const Packet& packet) {
  if (packet.kind == Kind::kSyn) {
    onSyn();
    return;
  }
  switch (state_) {
    case TcpState::kNone:
    case TcpState::kBroken:
      if (packet.kind != Kind::kReset) send(Kind::kReset);
      return;
    case TcpState::kSynSent: onAnswerToSyn(packet); return;
    case TcpState::kSynReceived:
      if (packet.kind == Kind::kReset) {
        enter(TcpState::kNone);
        return;
      }
      if (!establish()) return;
      break;
    case TcpState::kOpen: break;
  }
  heard_ = network_->now();
  if (packet.kind != Kind::kSegment) ++bareAcks_;
  if (out_.sent == out_.acked) again_ = 0;  // probes of a closed window
  if (packet.kind == Kind::kReset) {
    breakOff(remote_->out_.finArrived() ? EPIPE : ECONNRESET);
    return;
  }
  acknowledge(packet);
  if (packet.kind == Kind::kSegment) arrive(packet.upTo);
  if (packet.kind == Kind::kSynAck) send(Kind::kAck);  // ours was lost
}

void TcpEnd::onSyn() {
  if (state_ == TcpState::kSynReceived) {
    send(Kind::kSynAck);
    return;
  }
  if (state_ != TcpState::kNone) return;
  MemoryListener* listener = network_->listenerAt(host_, port_);
  if (listener == nullptr) {
    send(Kind::kReset);
  } else if (listener->full()) {
    remote_->onLoss();
  } else {
    begun_ = network_->now();
    syns_ = 1;
    enter(TcpState::kSynReceived);
    send(Kind::kSynAck);
  }
}

void TcpEnd::onAnswerToSyn(const Packet& packet) {
  heard_ = network_->now();
  if (packet.kind == Kind::kReset) {
    breakOff(ECONNREFUSED);
  } else if (packet.kind == Kind::kSynAck) {
    enter(TcpState::kOpen);
    acknowledge(packet);
    send(Kind::kAck);
    wake();
  }
}

// The client's ACK of our SYN-ACK, or whatever else shows that it arrived.
bool TcpEnd::establish() {
  MemoryListener* listener = network_->listenerAt(host_, port_);
  if (listener == nullptr) {
    send(Kind::kReset);
    enter(TcpState::kNone);
    return false;
  }
  enter(TcpState::kOpen);
  listener->enqueue(*this);
  return true;
}

void TcpEnd::acknowledge(const Packet& packet) {
  const bool progress = packet.ack > out_.acked;
  if (progress) {
    out_.acked = packet.ack;
    rto_ = Duration::zero();
    again_ = 0;
    silentSince_ = network_->now();
  }
  const bool wider = packet.edge > out_.edge;
  if (wider) out_.edge = packet.edge;
  if (!progress && !wider) return;
  pump();
  if (progress) wake();
}

void TcpEnd::arrive(uint64_t upTo) {
  Stream& in = remote_->out_;
  if (upTo > in.arrived) {
    const bool data = std::min(upTo, in.written) > in.arrived;
    if (data && orphan()) {  // nobody will read it
      out_.dropUnsent();
      send(Kind::kReset);
      enter(TcpState::kNone);
      return;
    }
    in.arrived = upTo;
    if (data) dataHeard_ = network_->now();
    wake();
  }
  send(Kind::kAck);
}

void TcpEnd::breakOff(int error) {
  enter(TcpState::kBroken);
  error_ = error;
  out_.dropUnsent();
  if (orphan()) {
    enter(TcpState::kNone);
  } else {
    wake();
  }
}

void TcpEnd::forget() {
  handle_ = nullptr;
  unlink();
  if (state_ != TcpState::kNone) enter(TcpState::kNone);
}

void TcpEnd::unqueue() {
  unlink();
  close(true);
}

// --- sending ---------------------------------------------------------------------------------------------------

size_t TcpEnd::room() const {
  const uint64_t held = out_.written - std::min(out_.acked, out_.written);
  const size_t buffer = network_->optionsOf(host_).sendBuffer;
  return held >= buffer ? 0 : buffer - static_cast<size_t>(held);
}

uint64_t TcpEnd::edge() const { return remote_->out_.read + network_->optionsOf(host_).receiveWindow; }

void TcpEnd::pump() {
  const uint64_t to = out_.edge >= out_.written ? out_.end() : out_.edge;
  if (state_ != TcpState::kOpen || to <= out_.sent) return;
  if (out_.sent == out_.acked) silentSince_ = network_->now();
  out_.sent = to;
  send(Kind::kSegment);
}

void TcpEnd::send(Kind kind) {
  Packet packet;
  packet.kind = kind;
  packet.upTo = out_.sent;
  packet.ack = remote_->out_.arrived;
  packet.edge = told_ = edge();
  if (kind == Kind::kSegment) sentAt_ = network_->now();
  network_->transmit(*this, packet);
}

void TcpEnd::onLoss() {
  if (!timerSet_) setTimer();
}

Duration TcpEnd::firstRto() const { return network_->options().rtoMin + network_->roundTrip(host_, remote_->host_); }

void TcpEnd::setTimer() {
  TimePoint at;
  switch (state_) {
    case TcpState::kSynSent:
      at = begun_ + std::min<Duration>(seconds((1 << syns_) - 1), network_->options().connectTimeout);
      break;
    case TcpState::kSynReceived: at = begun_ + seconds((1 << syns_) - 1); break;
    case TcpState::kOpen:
      if (!out_.outstanding()) return;
      if (rto_ == Duration::zero()) rto_ = firstRto();
      at = rtoBegan() + rto_;
      break;
    default: return;
  }
  timerSet_ = true;
  network_->setTimer(*this, at);
}

void TcpEnd::onTimer() {
  timerSet_ = false;
  if (state_ == TcpState::kOpen && out_.outstanding()) {
    retransmit();
  } else if (state_ == TcpState::kSynSent) {
    if (network_->now() - begun_ >= network_->options().connectTimeout) {
      breakOff(ETIMEDOUT);
    } else {
      ++syns_;
      send(Kind::kSyn);
    }
  } else if (state_ == TcpState::kSynReceived) {
    if (syns_ == kMaxSynAcks) {
      enter(TcpState::kNone);
    } else {
      ++syns_;
      send(Kind::kSynAck);
    }
  }
}

// Sending something new does not put it off.
TimePoint TcpEnd::rtoBegan() const { return std::max(silentSince_, resentAt_); }

void TcpEnd::retransmit() {
  const TimePoint now = network_->now();
  if (rto_ == Duration::zero() || now - rtoBegan() < rto_) {  // there was progress
    setTimer();
    return;
  }
  // The user timeout does not care whether a closed window is acknowledged (tcp(7)).
  const bool limited = userTimeout_ > Duration::zero();
  const TimePoint since = limited ? silentSince_ : std::max(silentSince_, heard_);
  if (now - since >= (limited ? userTimeout_ : network_->options().giveUp)) {
    breakOff(ETIMEDOUT);
    return;
  }
  rto_ = std::min(2 * rto_, network_->options().rtoMax);
  ++again_;
  resentAt_ = now;
  send(Kind::kSegment);  // a window probe, if nothing may be sent
}

}  // namespace peerpulse::test
