#include "simulated_peer.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <doctest/doctest.h>

#include "verdict_graph.h"

namespace peerpulse::health {

namespace {
constexpr Duration kRetransmit = milliseconds(200);  // Linux RTO_MIN
constexpr Duration kDelayedAck = milliseconds(40);
constexpr Duration kKernelTick = milliseconds(4);
constexpr Duration kQuickRetransmit = milliseconds(10);  // and then its kernel acknowledges at once
}  // namespace

SimulatedPeer::SimulatedPeer(ProbeOptions options, uint32_t seed, Duration phase)
    : random_(seed), health_(PeerId{0}, options, seed, now_, phase) {}

bool SimulatedPeer::lost() {
  random_ = random_ * 1664525u + 1013904223u;
  return (random_ >> 16) % 100 < lossPercent;
}

int SimulatedPeer::count(Verdict to) const {
  return static_cast<int>(std::count_if(transitions_.begin(), transitions_.end(), [&](const Transition& t) {
    return t.to.verdict == to && t.from.verdict != to;
  }));
}

void SimulatedPeer::deliver(const Event& event) {
  if (!proberRunning) {
    heldBack_.push_back([this, event] { deliver(event); });
    return;
  }
  apply(health_.on(event, now_));
}

void SimulatedPeer::apply(const Actions& actions) {
  for (const Action& action : actions)
    apply(action);
  if (verdict() == Verdict::kDead || verdict() == Verdict::kRefusing) {
    maxOutageSockets = std::max(maxOutageSockets, openSockets());
  }
}

void SimulatedPeer::apply(const Action& action) {
  if (const auto* a = std::get_if<OpenConnection>(&action)) open(*a);
  if (const auto* a = std::get_if<SendPing>(&action)) ping(*a);
  if (const auto* a = std::get_if<SendRequest>(&action)) request(*a);
  if (const auto* a = std::get_if<SendEcho>(&action)) echo(*a);
  if (const auto* a = std::get_if<DrawAck>(&action)) drawAck(*a);
  if (const auto* a = std::get_if<Report>(&action)) checkReport(a->transition);
  if (const auto* a = std::get_if<ReportRungs>(&action)) rungChanges.push_back(a->change);
  if (const auto* a = std::get_if<Warn>(&action)) warnings.push_back(a->degrading);
  if (const auto* a = std::get_if<Publish>(&action)) {
    ++publishes;
    table_.publish(PeerId{0}, a->word);
  }
  if (const auto* a = std::get_if<CloseConnection>(&action)) {
    REQUIRE(connection_.exists);
    REQUIRE(connection_.epoch == a->epoch);
    connection_ = {};
  }
  if (const auto* a = std::get_if<StopConnects>(&action)) {
    std::erase_if(connects_, [&](const auto& entry) { return entry.second == a->purpose; });
  }
  if (const auto* a = std::get_if<StartConnects>(&action)) {
    if (a->purpose == ConnectPurpose::kConfirm) ++confirmBursts;
    for (uint32_t i = 0; i < a->count; ++i)
      startConnect(a->purpose);
  }
}

void SimulatedPeer::checkReport(const Transition& t) {
  CHECK(t.from.pack() != t.to.pack());
  if (t.from.verdict != t.to.verdict) {
    CAPTURE(toString(t.from.verdict));
    CAPTURE(toString(t.to.verdict));
    CHECK(legal(t.from.verdict, t.to.verdict));
  }
  CHECK(t.to.generation == static_cast<uint16_t>(t.from.generation + 1));
  CHECK(t.to.pack() == table_.load(PeerId{0}).pack());
  CHECK(t.at == now_);
  transitions_.push_back(t);
}

void SimulatedPeer::open(const OpenConnection& action) {
  REQUIRE_FALSE(connection_.exists);
  ++opens;
  ++connects;
  connection_ = {};
  connection_.exists = true;
  connection_.epoch = action.epoch;
  connection_.kind = action.kind;
  const uint32_t epoch = action.epoch;
  if (connectErrno != 0) {
    later({}, [this, epoch] { ended({epoch, connectErrno, false}); });
    return;
  }
  // A lost SYN is sent again after a second, once; longer attempts are not modelled.
  for (const Duration delay : {Duration::zero(), Duration(seconds(1))}) {
    if (lost() || lost()) continue;
    later(delay + 2 * oneWay, [this, epoch] { accepted(epoch); });
    return;
  }
}

void SimulatedPeer::accepted(uint32_t epoch) {
  if (!powered || !connection_.exists || connection_.epoch != epoch) return;
  if (listening && acceptQueueFull) return;
  if (!listening) {
    ended({epoch, ECONNREFUSED, false});
    return;
  }
  connection_.established = true;
  connection_.lastKernelAck = now_;
  deliver(Connected{epoch});
  if (!running) return;
  if (connection_.kind == ConnectionKind::kHttp2 && !speaksHttp2 && !mute) {
    later(2 * oneWay, [this, epoch] {
      if (!powered || !running || connection_.epoch != epoch) return;
      deliver(Received{epoch});
      ended({epoch, 0, true});
    });
  }
}

void SimulatedPeer::ping(const SendPing& action) {
  REQUIRE(connection_.established);
  REQUIRE(connection_.epoch == action.epoch);
  ++pings;
  pingTimes.push_back(now_);
  ++connection_.unacked;
  Duration delay = oneWay;
  while (lost() || lost())
    delay += kRetransmit;
  const TimePoint at = std::max(now_ + delay, connection_.lastDelivery);
  connection_.lastDelivery = at;
  events_.emplace(at, [this, action] { arrive(action.epoch, action.sequence); });
}

void SimulatedPeer::request(const SendRequest& action) {
  REQUIRE(connection_.established);
  REQUIRE(connection_.epoch == action.epoch);
  REQUIRE(connection_.kind == ConnectionKind::kRequests);
  ++requests;
  ++connection_.unacked;
  Duration delay = oneWay;
  while (lost() || lost())
    delay += kRetransmit;
  later(delay, [this, epoch = action.epoch] {
    if (!powered || !connection_.established || connection_.epoch != epoch || connection_.forgotten) return;
    if (halfOpen) return;
    later(oneWay, [this, epoch] {
      if (!powered || connection_.epoch != epoch) return;
      connection_.lastKernelAck = now_;
      connection_.unacked = 0;
    });
    if (running && answersRequests) {
      answerRequest(epoch);
    } else {
      connection_.requestQueued = true;
    }
  });
}

void SimulatedPeer::answerRequest(uint32_t epoch) {
  later(oneWay, [this, epoch] {
    if (!powered || !connection_.established || connection_.epoch != epoch) return;
    deliver(HealthAnswered{epoch, healthStatus});
    if (closesAfterEach) ended({epoch, 0, false});
  });
}

void SimulatedPeer::drawAck(const DrawAck& action) {
  REQUIRE(connection_.established);
  REQUIRE(connection_.epoch == action.epoch);
  if (now_ - connection_.lastKernelAck < seconds(1) || connection_.unacked > 0) return;
  later(kKernelTick + timerLate, [this, epoch = action.epoch] {
    if (connection_.epoch != epoch) return;
    ++connection_.segmentsSent;
    if (lost() || lost() || (loseDraws > 0 && loseDraws-- > 0)) return;
    later(2 * oneWay, [this, epoch] {
      if (powered && connection_.epoch == epoch && !connection_.forgotten) connection_.lastKernelAck = now_;
    });
  });
}

void SimulatedPeer::echo(const SendEcho& action) {
  ++echoes;
  random_ = random_ * 1664525u + 1013904223u;
  const bool dropped = (random_ >> 16) % 100 < echoLossPercent;
  if (lost() || lost() || dropped) return;
  later(2 * oneWay, [this, action] {
    if (powered && answersEchoes) deliver(EchoAnswered{action.sequence});
  });
}

void SimulatedPeer::arrive(uint32_t epoch, uint32_t sequence) {
  if (!powered || !connection_.established || connection_.epoch != epoch) return;
  if (!speaksHttp2 || connection_.forgotten) return;
  if (!running) {
    connection_.queued.push_back(sequence);
    later((retransmitsQuickly ? kQuickRetransmit : kDelayedAck) + oneWay, [this, epoch] {
      if (!powered || connection_.epoch != epoch) return;
      connection_.lastKernelAck = now_;
      connection_.unacked = 0;
    });
    return;
  }
  answer(epoch, sequence);
}

void SimulatedPeer::answer(uint32_t epoch, uint32_t sequence) {
  if (polices && ++connection_.received >= 3) {
    later(oneWay, [this, epoch] {
      if (!powered || connection_.epoch != epoch) return;
      ++goaways;
      deliver(GoneAway{epoch, true});
    });
    return;
  }
  later(oneWay, [this, epoch, sequence] {
    if (!powered || !connection_.established || connection_.epoch != epoch) return;
    connection_.lastKernelAck = now_;
    connection_.unacked = 0;
    deliver(PingAcked{epoch, sequence});
  });
}

void SimulatedPeer::startConnect(ConnectPurpose purpose) {
  const bool hostCheck = purpose == ConnectPurpose::kHostCheck;
  ++(hostCheck ? hostChecks : connects);
  const int id = nextConnect_++;
  connects_[id] = purpose;
  if (connectErrno == 0 && (lost() || lost())) return;
  const TimePoint began = now_;
  later(connectErrno != 0 ? Duration::zero() : 2 * oneWay, [this, id, purpose, hostCheck, began] {
    if (connects_.count(id) == 0) return;
    const bool dropped = hostCheck ? !hostAnswers : listening && acceptQueueFull;
    if (connectErrno == 0 && (!powered || dropped)) return;
    connects_.erase(id);
    const bool accepts = listening && !hostCheck;
    const int error = connectErrno != 0 ? connectErrno : accepts ? 0 : ECONNREFUSED;
    deliver(ConnectResult{purpose, error, now_ - began});
  });
}

void SimulatedPeer::kill() {
  listening = false;
  if (!connection_.established) return;
  const uint32_t epoch = connection_.epoch;
  later(oneWay, [this, epoch] { ended({epoch, ECONNRESET, false}); });
}

void SimulatedPeer::closeConnection() { ended({connection_.epoch, 0, false}); }

void SimulatedPeer::ended(const Closed& event) {
  if (connection_.epoch != event.epoch) return;
  connection_.forgotten = true;  // until the prober hears of it, what it sends is lost
  if (!proberRunning) {
    heldBack_.push_back([this, event] { ended(event); });
    return;
  }
  connection_ = {};
  deliver(event);
}

void SimulatedPeer::resume() {
  running = true;
  const std::vector<uint32_t> queued = std::move(connection_.queued);
  connection_.queued.clear();
  if (std::exchange(connection_.requestQueued, false) && answersRequests) answerRequest(connection_.epoch);
  for (const uint32_t sequence : queued)
    answer(connection_.epoch, sequence);
}

void SimulatedPeer::resumeProber() {
  proberRunning = true;
  const auto held = std::move(heldBack_);
  heldBack_.clear();
  for (const auto& event : held)
    event();  // drain first
}

bool SimulatedPeer::step(TimePoint limit) {
  const TimePoint deadline = proberRunning ? std::max(health_.nextDeadline(), now_) : TimePoint::max();
  const TimePoint arrival = events_.empty() ? TimePoint::max() : events_.begin()->first;
  if (std::min(deadline, arrival) > limit) {
    now_ = limit;
    return false;
  }
  if (arrival <= deadline) {  // what arrived is handled before anything is judged
    now_ = arrival;
    auto event = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    event();
    return true;
  }
  now_ = deadline;
  ++ticks;
  Tick tick;
  tick.dataHeard = dataHeard;
  tick.dataKernelHeard = dataKernelHeard;
  if (connection_.established && health_.wantsKernelView(now_)) {
    tick.kernel.emplace();
    tick.kernel->lastAckReceived = now_ - connection_.lastKernelAck;
    tick.kernel->unacked = connection_.unacked;
    tick.kernel->segments.sent = connection_.segmentsSent;
    tick.kernel->rtt = kernelRtt;
    tick.kernel->rttVariation = kernelRtt / 8;
    tick.kernel->retransmitsQuickly = retransmitsQuickly;
  }
  deliver(tick);
  CHECK(health_.nextDeadline() > now_);  // no spinning
  return true;
}

void SimulatedPeer::runFor(Duration d) {
  const TimePoint end = now_ + d;
  while (step(end)) {
  }
}

bool SimulatedPeer::runUntil(const std::function<bool()>& condition, Duration limit) {
  const TimePoint end = now_ + limit;
  while (!condition()) {
    if (!step(end)) return condition();
  }
  return true;
}

}  // namespace peerpulse::health
