#include "wire_model.h"

#include <cerrno>

namespace peerpulse::sim {

namespace {

constexpr Duration kSynTimeout = seconds(1);
constexpr uint16_t kLeaving = 1;
constexpr Duration kInvalidRateLimit = milliseconds(500);  // net.ipv4.tcp_invalid_ratelimit

}  // namespace

void WireModel::reset(EventHeap& heap, ArrivalSink& sink, uint8_t peer, const PeerOptions& peerOptions,
                      const LinkOptions& out, const LinkOptions& back, const TcpOptions& tcp, Random random) {
  heap_ = &heap;
  sink_ = &sink;
  index_ = peer;
  out_.reset(out, random.fork(), heap.now());
  back_.reset(back, random.fork(), heap.now());
  peer_.reset(peerOptions);
  tcp_.attach(heap, peer, out_, back_, tcp);
  attempts_ = {};
  forgotten_ = 0;
  lastArrival_ = heap.now();
  lastKeepalive_ = TimePoint();
  tick_ = tcp.tick;
  random_ = random.fork();
}

void WireModel::openProbe(uint32_t epoch, bool http2) {
  http2_ = http2;
  connect(kProbeSlot, epoch, false);
}

void WireModel::closeProbe() {
  drop(kProbeSlot);
  // Its RST may be lost, but then the peer gets one for whatever it sends.
  if (tcp_.id() != 0 && peer_.connection() == tcp_.id()) peer_.forget();
  tcp_.forget();
}

void WireModel::sendPing(uint32_t sequence) {
  if (tcp_.id() != 0) tcp_.write(Side::kProber, {sequence, sequence, 0}, heap_->now());
}

void WireModel::sendRequest() {
  Payload request;
  request.flags = Payload::kHealth;
  if (tcp_.id() != 0) tcp_.write(Side::kProber, request, heap_->now());
}

void WireModel::sendEcho(uint32_t sequence) {
  SimEvent echo;
  echo.kind = EventKind::kEcho;
  echo.peer = index_;
  echo.a = sequence;
  if (const auto at = out_.carry(heap_->now())) heap_->push(*at, echo);
}

void WireModel::drawAck() {
  if (tcp_.id() == 0 || tcp_.lastAckAge(Side::kProber, heap_->now()) < seconds(1)) return;
  SimEvent probe;
  probe.kind = EventKind::kKeepalive;
  probe.peer = index_;
  probe.a = tcp_.id();
  probe.flag = kLeaving;
  const Duration late = random_.percent(20) ? random_.between(milliseconds(1), milliseconds(60)) : Duration::zero();
  heap_->push(heap_->now() + tick_ + late, probe);  // by a timer of our kernel
}

void WireModel::connect(uint16_t slot, uint32_t attempt, bool hostPort) {
  attempts_[slot] = {attempt, heap_->now(), hostPort};
  sendSyn(slot, 1);
}

void WireModel::sendSyn(uint16_t slot, uint32_t sent) {
  SimEvent syn;
  syn.peer = index_;
  syn.flag = slot;
  syn.a = attempts_[slot].id;
  syn.b = sent;
  syn.kind = EventKind::kSyn;
  if (const auto at = out_.carry(heap_->now())) heap_->push(*at, syn);
  syn.kind = EventKind::kSynTimer;
  heap_->push(heap_->now() + kSynTimeout * (1 << (sent < 6 ? sent - 1 : 5)), syn);
}

void WireModel::synAtPeer(const SimEvent& event) {
  const Attempt& attempt = attempts_[event.flag];
  if (attempt.id != event.a) return;
  const PeerModel::SynAnswer answer = peer_.syn(attempt.hostPort);
  if (answer == PeerModel::SynAnswer::kSilence) return;
  const auto at = back_.carry(heap_->now());
  if (!at.has_value()) return;
  SimEvent reply;
  reply.kind = EventKind::kSynReply;
  reply.peer = index_;
  reply.flag = event.flag;
  reply.a = event.a;
  reply.b = answer == PeerModel::SynAnswer::kRefused ? 1 : 0;
  heap_->push(*at, reply);
}

void WireModel::synReply(const SimEvent& event) {
  lastArrival_ = heap_->now();
  Attempt& attempt = attempts_[event.flag];
  if (attempt.id != event.a) return;
  const bool refused = event.b != 0;
  Arrival arrival;
  arrival.id = event.a;
  arrival.slot = event.flag;
  arrival.error = refused ? ECONNREFUSED : 0;
  if (event.flag != kProbeSlot) {
    // The slot is the shell's until it has read the answer; a second answer finds no socket.
    if (attempt.began == TimePoint::max()) return;
    attempt.began = TimePoint::max();
    arrival.kind = Arrival::Kind::kFresh;
    sink_->arrived(index_, arrival);
    return;
  }
  const Duration rtt = heap_->now() - attempt.began;
  attempt.id = 0;
  if (refused) {
    arrival.kind = Arrival::Kind::kConnectFailed;
    sink_->arrived(index_, arrival);
    return;
  }
  tcp_.open(event.a, heap_->now(), rtt < kSynTimeout ? rtt : Duration(milliseconds(200)));
  forgotten_ = 0;
  if (peer_.serving()) {
    peer_.accepted(event.a);
    if (peer_.options().idleClose > Duration::zero()) {
      SimEvent close;
      close.kind = EventKind::kIdleClose;
      close.peer = index_;
      close.a = event.a;
      heap_->push(heap_->now() + peer_.options().idleClose, close);
    }
  }
  arrival.kind = Arrival::Kind::kConnected;
  sink_->arrived(index_, arrival);
  // The session's first bytes, after whatever Connected led to: the preface.
  if (tcp_.id() != event.a || !http2_) return;
  Payload hello;
  hello.flags = Payload::kBytes;
  tcp_.write(Side::kProber, hello, heap_->now());
}

void WireModel::on(const SimEvent& event) {
  switch (event.kind) {
    case EventKind::kPacket: packet(event); return;
    case EventKind::kTcpTimer:
      if (event.a == 0 || event.a != tcp_.id()) return;
      // A kernel without power, or one that does not know the connection, sends nothing.
      if (sideOf(event) == Side::kPeer && !peer_.knows(event.a)) return;
      if (tcp_.onTimer(sideOf(event), heap_->now())) return;
      tcp_.forget();
      sink_->arrived(index_, {Arrival::Kind::kReset, 0, event.a, ETIMEDOUT, {}, 0});
      return;
    case EventKind::kSyn: synAtPeer(event); return;
    case EventKind::kSynReply: synReply(event); return;
    case EventKind::kSynTimer: {
      const Attempt& attempt = attempts_[event.flag];
      if (attempt.id == event.a && attempt.began != TimePoint::max()) sendSyn(event.flag, event.b + 1);
      return;
    }
    case EventKind::kReset:
      lastArrival_ = heap_->now();
      if (event.a != tcp_.id()) return;
      tcp_.forget();
      sink_->arrived(index_, {Arrival::Kind::kReset, 0, event.a, ECONNRESET, {}, 0});
      return;
    case EventKind::kEcho:
      if (!peer_.echo(heap_->now())) return;
      if (const auto at = back_.carry(heap_->now())) {
        SimEvent reply = event;
        reply.kind = EventKind::kEchoReply;
        heap_->push(*at, reply);
      }
      return;
    case EventKind::kKeepalive:
      if (event.flag == kLeaving) {
        if (event.a != tcp_.id()) return;
        tcp_.keepaliveSent();
        SimEvent probe = event;
        probe.flag = 0;
        if (const auto at = out_.carry(heap_->now())) heap_->push(*at, probe);
        return;
      }
      if (!peer_.powered() || event.a == forgotten_) return;
      if (!peer_.knows(event.a)) {
        sendReset(event.a);
        return;
      }
      if (heap_->now() - lastKeepalive_ < kInvalidRateLimit) return;
      lastKeepalive_ = heap_->now();
      if (const auto at = back_.carry(heap_->now())) {
        SimEvent reply = event;
        reply.kind = EventKind::kKeepaliveReply;
        heap_->push(*at, reply);
      }
      return;
    case EventKind::kKeepaliveReply:
      lastArrival_ = heap_->now();
      if (event.a == tcp_.id()) tcp_.keepaliveAnswered(heap_->now());
      return;
    case EventKind::kEchoReply:
      lastArrival_ = heap_->now();
      sink_->arrived(index_, {Arrival::Kind::kEcho, 0, event.a, 0, {}, 0});
      return;
    case EventKind::kIdleClose:
      if (peer_.knows(event.a) && peer_.running()) closeConnection();
      return;
    default: return;
  }
}

void WireModel::packet(const SimEvent& event) {
  if (sideOf(event) == Side::kPeer) {
    atPeer(event);
  } else {
    atProber(event);
  }
}

void WireModel::atPeer(const SimEvent& event) {
  if (!peer_.powered() || event.a == forgotten_) return;
  if (!peer_.knows(event.a) || event.a != tcp_.id()) {
    if (event.a == tcp_.id()) sendReset(event.a);
    return;
  }
  const Payload arrived = tcp_.receive(Side::kPeer, event, heap_->now());
  if (!arrived.empty()) writeFromPeer(peer_.read(arrived));
  tcp_.settle(Side::kPeer, heap_->now());
}

void WireModel::atProber(const SimEvent& event) {
  if (event.a == forgotten_) return;
  lastArrival_ = heap_->now();
  if (event.a != tcp_.id()) return;
  const Payload arrived = tcp_.receive(Side::kProber, event, heap_->now());
  if (!arrived.empty()) {
    sink_->arrived(index_, {Arrival::Kind::kData, 0, event.a, 0, arrived, 0});
    if (tcp_.id() != event.a) return;
  }
  tcp_.settle(Side::kProber, heap_->now());
}

void WireModel::writeFromPeer(const Payload& payload) {
  if (!payload.empty()) tcp_.write(Side::kPeer, payload, heap_->now());
}

void WireModel::sendReset(uint32_t connection) {
  SimEvent reset;
  reset.kind = EventKind::kReset;
  reset.peer = index_;
  reset.a = connection;
  if (const auto at = back_.carry(heap_->now())) heap_->push(*at, reset);
}

void WireModel::cutPower() { peer_.cutPower(); }

void WireModel::kill() {
  const uint32_t connection = peer_.connection();
  peer_.kill();
  if (connection != 0 && connection == tcp_.id()) sendReset(connection);
}

void WireModel::resume() {
  const Payload answer = peer_.resume();
  if (peer_.knows(tcp_.id())) writeFromPeer(answer);
}

void WireModel::closeConnection() {
  if (!peer_.knows(tcp_.id())) return;
  Payload fin;
  fin.flags = Payload::kFin;
  writeFromPeer(fin);
}

}  // namespace peerpulse::sim
