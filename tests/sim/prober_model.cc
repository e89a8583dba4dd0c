#include "prober_model.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace peerpulse::sim {

using health::ConnectPurpose;

namespace {

health::KernelView kernelView(const TcpConnection& tcp, TimePoint now) {
  const TcpCounters& counters = tcp.counters(Side::kProber);
  health::SegmentCounters segments;
  segments.sent = counters.segmentsOut;
  segments.retransmitted = counters.retransmits - std::min(counters.retransmits, counters.duplicates);
  segments.received = counters.segmentsIn;
  segments.outOfOrder = counters.outOfOrder;
  health::KernelView view;
  view.lastAckReceived = tcp.lastAckAge(Side::kProber, now);
  view.unacked = tcp.unacked(Side::kProber);
  view.rtt = tcp.smoothedRtt(Side::kProber);
  view.rttVariation = tcp.rttVariation(Side::kProber);
  view.retransmitsQuickly = tcp.retransmitsQuickly();
  view.segments = segments;
  return view;
}

}  // namespace

void ProberModel::reset(uint32_t peers, const std::array<health::ProbeOptions, kMaxPeers>& options, Random random,
                        ProberObserver& observer) {
  peers_ = peers;
  random_ = random;
  observer_ = &observer;
  table_.emplace(peers);
  local_.emplace(peers, options[0].interval);
  interval_ = options[0].interval;
  blockedUntil_ = blockedFrom_ = lastLate_ = lastOwnHostSuspect_ = TimePoint();
  starvedPerMillion_ = 0;
  connectError_ = 0;
  nextAttempt_ = 1;
  queue_.clear();
  pending_.clear();
  feeding_ = false;
  // So few peers share a phase, as in probe/.
  const Duration phase = random_.between(Duration::zero(), interval_ - microseconds(1));
  for (uint32_t i = 0; i < peers; ++i) {
    Lane& lane = lanes_[i];
    lane.health.emplace(PeerId{i}, options[i], static_cast<uint32_t>(random_.next()), heap_.now(), phase);
    table_->adopt(PeerId{i});
    lane.health->startFrom(table_->load(PeerId{i}).generation);
    lane.fresh = {};
    lane.epoch = 0;
    lane.established = false;
    lane.ticks = 0;
    lane.deadline = lane.health->nextDeadline();
  }
  beat();
}

TimePoint ProberModel::nextTimer() const {
  TimePoint deadline = lanes_[0].deadline;
  for (uint32_t i = 1; i < peers_; ++i)
    deadline = std::min(deadline, lanes_[i].deadline);
  return std::max({deadline, blockedUntil_, heap_.now()});
}

bool ProberModel::delayedNow() {
  if (starvedPerMillion_ == 0 || !random_.chance(starvedPerMillion_)) return false;
  block(random_.between(microseconds(100), starvedBy_));
  return true;
}

void ProberModel::runTimers() {
  if (delayedNow()) return;
  for (uint8_t i = 0; i < peers_; ++i)
    if (lanes_[i].deadline <= heap_.now()) tick(i);
}

void ProberModel::block(Duration d) {
  const TimePoint until = heap_.now() + d;
  if (until <= blockedUntil_) return;
  if (!blocked()) blockedFrom_ = heap_.now();
  blockedUntil_ = until;
  SimEvent free;
  free.kind = EventKind::kLoopFree;
  heap_.push(until, free);
}

void ProberModel::starve(uint32_t perMillion, Duration late) {
  starvedPerMillion_ = perMillion;
  starvedBy_ = late;
}

void ProberModel::onLoopFree() {
  if (heap_.now() < blockedUntil_) return;  // blocked again meanwhile
  const Duration lag = heap_.now() - blockedFrom_;
  if (lag > interval_) lastLate_ = heap_.now();
  local_->onLag(lag, heap_.now());
  note(0, "loop free", lag / microseconds(1));
  // Drain, then judge.
  for (size_t i = 0; i < queue_.size(); ++i)
    handle(queue_[i].peer, queue_[i].arrival);
  queue_.clear();
  for (uint8_t i = 0; i < peers_; ++i)
    if (lanes_[i].deadline <= heap_.now()) tick(i);
}

void ProberModel::beat() {
  // The last multiple of kBeat at which the loop ran.
  const TimePoint ran = blocked() ? blockedFrom_ : heap_.now();
  table_->beat(TimePoint(ran.time_since_epoch() / kBeat * kBeat));
}

void ProberModel::arrived(uint8_t peer, const Arrival& arrival) {
  if (blocked() || !queue_.empty() || delayedNow()) {
    queue_.push_back({peer, arrival});
    return;
  }
  handle(peer, arrival);
}

void ProberModel::handle(uint8_t peer, const Arrival& arrival) {
  Lane& lane = lanes_[peer];
  switch (arrival.kind) {
    case Arrival::Kind::kConnected:
      if (lane.epoch != arrival.id) return;
      lane.established = true;
      feed(peer, health::Connected{arrival.id});
      return;
    case Arrival::Kind::kConnectFailed:
    case Arrival::Kind::kReset:
      if (lane.epoch != arrival.id) return;
      lane.epoch = 0;
      wires_[peer].closeProbe();
      note(peer, "closed", arrival.id, arrival.error);
      feed(peer, health::Closed{arrival.id, arrival.error, false});
      return;
    case Arrival::Kind::kFresh: {
      Fresh& fresh = lane.fresh[arrival.slot];
      if (fresh.id != arrival.id) return;
      fresh.id = 0;
      wires_[peer].drop(arrival.slot);
      note(peer, "connect answered", static_cast<int64_t>(fresh.purpose), arrival.error);
      feed(peer, health::ConnectResult{fresh.purpose, arrival.error, heap_.now() - fresh.began});
      return;
    }
    case Arrival::Kind::kEcho: feed(peer, health::EchoAnswered{arrival.id}); return;
    case Arrival::Kind::kData: readData(peer, arrival); return;
    case Arrival::Kind::kOutcome:
      feed(peer, health::OutcomeRecord{PeerId{peer}, static_cast<health::Outcome>(arrival.outcome),
                                       static_cast<uint16_t>(arrival.id), heap_.now()});
      return;
  }
}

void ProberModel::readData(uint8_t peer, const Arrival& arrival) {
  Lane& lane = lanes_[peer];
  const auto current = [&] { return lane.epoch == arrival.id; };
  const Payload& read = arrival.payload;
  if (!current()) return;
  for (uint32_t ping = read.first; ping <= read.last && current(); ++ping) {
    note(peer, "ack", arrival.id, ping);
    feed(peer, health::PingAcked{arrival.id, ping});
  }
  if (current() && (read.flags & Payload::kGoAway)) {
    note(peer, "goaway", arrival.id);
    feed(peer, health::GoneAway{arrival.id, true});
  }
  if (current() && (read.flags & Payload::kHealth)) {
    const int status = wires_[peer].peer().options().answersHealth ? 200 : 503;
    feed(peer, health::HealthAnswered{arrival.id, status});
  }
  if (current() && (read.flags & (Payload::kBytes | Payload::kNotHttp2))) feed(peer, health::Received{arrival.id});
  if (current() && (read.flags & Payload::kFin)) {
    lane.epoch = 0;
    wires_[peer].closeProbe();
    note(peer, "closed by peer", arrival.id);
    feed(peer, health::Closed{arrival.id, 0, (read.flags & Payload::kNotHttp2) != 0});
  }
}

void ProberModel::tick(uint8_t peer) {
  Lane& lane = lanes_[peer];
  const TimePoint now = heap_.now();
  health::Tick tick;
  tick.dataHeard = table_->lastHeard(PeerId{peer});
  tick.dataKernelHeard = table_->lastKernelHeard(PeerId{peer});
  const WireModel& wire = wires_[peer];
  if (lane.epoch != 0 && lane.established && wire.tcp().id() == lane.epoch && lane.health->wantsKernelView(now)) {
    tick.kernel = kernelView(wire.tcp(), now);
  }
  if (lane.health->judgementDue(now)) tick.ownHostSuspect = local_->mostOverdue(now);
  if (tick.ownHostSuspect) lastOwnHostSuspect_ = now;
  ++lane.ticks;
  feed(peer, tick);
}

void ProberModel::feed(uint8_t peer, const health::Event& event) {
  if (feeding_) {
    pending_.emplace_back(peer, event);
    return;
  }
  feeding_ = true;
  feedOne(peer, event);
  while (!pending_.empty()) {
    const auto [next, what] = pending_.front();
    pending_.pop_front();
    feedOne(next, what);
  }
  feeding_ = false;
}

void ProberModel::feedOne(uint8_t peer, const health::Event& event) {
  Lane& lane = lanes_[peer];
  for (const health::Action& action : lane.health->on(event, heap_.now()))
    run(peer, action);
  lane.deadline = lane.health->nextDeadline();
  local_->expect(PeerId{peer}, lane.health->overdueAt());
  observer_->onFed(peer, std::holds_alternative<health::Tick>(event));
}

void ProberModel::run(uint8_t peer, const health::Action& action) {
  Lane& lane = lanes_[peer];
  if (const auto* ping = std::get_if<health::SendPing>(&action)) {
    note(peer, "ping", ping->epoch, ping->sequence);
    if (lane.epoch == ping->epoch) wires_[peer].sendPing(ping->sequence);
  } else if (const auto* request = std::get_if<health::SendRequest>(&action)) {
    note(peer, "request", request->epoch);
    if (lane.epoch == request->epoch) wires_[peer].sendRequest();
  } else if (const auto* draw = std::get_if<health::DrawAck>(&action)) {
    if (lane.epoch == draw->epoch) wires_[peer].drawAck();
  } else if (const auto* echo = std::get_if<health::SendEcho>(&action)) {
    note(peer, "echo", echo->sequence);
    if (connectError_ == ENETUNREACH) {
      feed(peer, health::EchoUnsent{connectError_});
    } else {
      wires_[peer].sendEcho(echo->sequence);
    }
  } else if (const auto* rungs = std::get_if<health::ReportRungs>(&action)) {
    note(peer, "rungs", 0, 0, toString(rungs->change.to.host), toString(rungs->change.to.process));
  } else if (const auto* open = std::get_if<health::OpenConnection>(&action)) {
    note(peer, "open", open->epoch, static_cast<int64_t>(open->kind));
    PP_ASSERT(lane.epoch == 0);
    lane.epoch = open->epoch;
    lane.established = false;
    if (connectError_ != 0) {
      lane.epoch = 0;
      feed(peer, health::Closed{open->epoch, connectError_, false});
      return;
    }
    wires_[peer].openProbe(open->epoch, open->kind == health::ConnectionKind::kHttp2);
  } else if (const auto* close = std::get_if<health::CloseConnection>(&action)) {
    note(peer, "close", close->epoch);
    if (lane.epoch != close->epoch) return;
    lane.epoch = 0;
    wires_[peer].closeProbe();
  } else if (const auto* start = std::get_if<health::StartConnects>(&action)) {
    note(peer, "connect", static_cast<int64_t>(start->purpose), start->count);
    if (start->purpose == ConnectPurpose::kConfirm) observer_->onConfirm(peer, start->count);
    for (uint32_t i = 0; i < start->count; ++i)
      startConnect(peer, start->purpose);
  } else if (const auto* stop = std::get_if<health::StopConnects>(&action)) {
    for (uint16_t slot = 0; slot < WireModel::kFreshSlots; ++slot) {
      if (lane.fresh[slot].id == 0 || lane.fresh[slot].purpose != stop->purpose) continue;
      lane.fresh[slot].id = 0;
      wires_[peer].drop(slot);
    }
  } else if (const auto* publish = std::get_if<health::Publish>(&action)) {
    table_->publish(PeerId{peer}, publish->word);
    observer_->onPublish(peer, publish->word);
  } else if (const auto* report = std::get_if<health::Report>(&action)) {
    const health::Transition& t = report->transition;
    local_->verdict(PeerId{peer}, t.to.verdict, heap_.now());
    note(peer, "verdict", static_cast<int64_t>(t.evidence.silence / microseconds(1)), t.to.generation,
         toString(t.to.verdict), toString(t.to.circuit));
    observer_->onReport(peer, t);
  }
}

void ProberModel::startConnect(uint8_t peer, ConnectPurpose purpose) {
  Lane& lane = lanes_[peer];
  if (connectError_ != 0) {
    feed(peer, health::ConnectResult{purpose, connectError_, Duration::zero()});
    return;
  }
  uint16_t slot = 0;
  for (uint16_t i = 0; i < WireModel::kFreshSlots; ++i) {  // a free one, else the oldest
    if (lane.fresh[i].id == 0) {
      slot = i;
      break;
    }
    if (lane.fresh[i].began < lane.fresh[slot].began) slot = i;
  }
  lane.fresh[slot] = {nextAttempt_++, purpose, heap_.now()};
  wires_[peer].connect(slot, lane.fresh[slot].id, purpose == ConnectPurpose::kHostCheck);
  observer_->onSockets(peer, openSockets(peer));
}

uint32_t ProberModel::openSockets(uint32_t peer) const {
  const Lane& lane = lanes_[peer];
  uint32_t open = lane.epoch != 0 ? 1 : 0;
  for (const Fresh& fresh : lane.fresh)
    open += fresh.id != 0 ? 1 : 0;
  return open;
}

void ProberModel::note(uint8_t peer, const char* what, int64_t a, int64_t b, const char* t1, const char* t2) {
  log_.add({heap_.now(), what, peer, a, b, t1, t2});
}

}  // namespace peerpulse::sim
