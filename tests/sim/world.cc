#include "world.h"

#include <algorithm>

namespace peerpulse::sim {

namespace {

constexpr TimePoint kStart = TimePoint() + seconds(1000);

enum FaultPhase : uint16_t { kBegin, kOver };

}  // namespace

void World::reset(uint64_t seed, bool trace, Kind kind) {
  Random random(seed);
  const WorldSetup setup = kind == Kind::kDetector ? drawWorld(random)
                           : kind == Kind::kCarry  ? drawCarryWorld(random)
                                                   : drawFanoutWorld(random);
  reset(setup, random.next(), trace);
}

void World::reset(const WorldSetup& setup, uint64_t seed, bool trace) {
  Random random(seed);
  carry_.reset();
  setup_ = setup;
  statistics_ = {};
  statistics_.seeds = 1;
  counts_ = {};
  lanes_ = {};
  digest_ = 0;
  start_ = kStart;
  heap_.reset(kStart);
  log_.reset(kStart, trace);
  std::array<health::ProbeOptions, kMaxPeers> options;
  for (uint8_t i = 0; i < setup_.peers; ++i) {
    const PeerSetup& peer = setup_.peer[i];
    wires_[i].reset(heap_, prober_, i, peer.peer, peer.out, peer.back, peer.tcp, random.fork());
    options[i] = peer.probe;
  }
  faultRandom_ = random.fork();
  prober_.reset(setup_.peers, options, random.fork(), *this);
  const Random carryRandom = random.fork();
  checkers_.reset(setup_.peers, options, setup_.profile, statistics_);
  if (setup_.carry.on) {
    carry_ = std::make_unique<CarryWorld>(heap_, prober_, wires_, setup_, log_, pattern_, carryRandom, checkers_);
  }
  if (!setup_.randomFaults) return;
  for (uint8_t i = 0; i < setup_.peers; ++i)
    scheduleFault(i);
  scheduleFault(kHost);
}

void World::scheduleFault(uint8_t peer) {
  Duration calm{};
  lanes_[peer].fault = peer == kHost ? drawHostFault(faultRandom_, setup_.profile, calm)
                                     : drawPeerFault(faultRandom_, setup_.profile, calm);
  SimEvent begin;
  begin.kind = EventKind::kFault;
  begin.peer = peer;
  begin.flag = kBegin;
  heap_.push(heap_.now() + calm, begin);
}

void World::strike(uint8_t peer, const Fault& fault) {
  const bool host = fault.kind >= FaultKind::kBlockProcess;
  Lane& lane = lanes_[host ? kHost : peer];
  PP_ASSERT(!lane.striking);
  lane.fault = fault;
  lane.striking = true;
  apply(host ? kHost : peer, fault, true);
  SimEvent over;
  over.kind = EventKind::kFault;
  over.peer = host ? kHost : peer;
  over.flag = kOver;
  heap_.push(heap_.now() + fault.lasts, over);
}

void World::endFault(uint8_t peer) {
  Lane& lane = lanes_[peer];
  if (!lane.striking) return;  // ended before its time
  lane.striking = false;
  apply(peer, lane.fault, false);
  if (setup_.randomFaults) scheduleFault(peer);
}

void World::apply(uint8_t peer, const Fault& fault, bool on) {
  const uint32_t shown = peer == kHost ? EventLog::kWorld : peer;
  if (carry_) carry_->rules().disturbed(heap_.now(), on);
  log_.fault({heap_.now(), on ? "FAULT" : "fault over", shown, fault.lasts / microseconds(1), fault.amount,
              toString(fault.kind), ""});
  if (peer == kHost) {
    applyToHost(fault, on);
  } else {
    checkers_.beforeFault(peer);
    applyToPeer(peer, fault, on);
    if (carry_) carry_->followPath(peer);
    const bool reachOnly = fault.kind == FaultKind::kPowerCut || fault.kind == FaultKind::kPartition;
    checkers_.afterFault(peer, !reachOnly || !on);
  }
}

void World::applyToPeer(uint8_t peer, const Fault& fault, bool on) {
  WireModel& wire = wires_[peer];
  switch (fault.kind) {
    case FaultKind::kPowerCut:
      if (on) {
        wire.cutPower();
        if (carry_) carry_->powerOff(peer);
      } else {
        // Its kernel answers at once, its process is there at once: the one in between is kKill's.
        wire.peer().restorePower();
        wire.peer().serve();
        if (carry_) carry_->powerOn(peer);
      }
      return;
    case FaultKind::kKill:
      if (on) {
        wire.kill();
        if (carry_) carry_->kill(peer);
      } else {
        wire.peer().serve();
        if (carry_) carry_->serve(peer);
      }
      return;
    case FaultKind::kStop:
      if (on) {
        wire.peer().stop();
        if (carry_) carry_->stop(peer);
      } else {
        wire.resume();
        if (carry_) carry_->resume(peer);
      }
      return;
    case FaultKind::kPartition:
      wire.out().cut(on);
      wire.back().cut(on);
      return;
    case FaultKind::kCutOut: wire.out().cut(on); return;
    case FaultKind::kCutBack: wire.back().cut(on); return;
    case FaultKind::kLoss:
      wire.out().addLoss(on ? fault.amount : 0);
      wire.back().addLoss(on ? fault.amount : 0);
      return;
    case FaultKind::kReroute:
      wire.out().addDelay(on ? fault.delay : Duration::zero());
      wire.back().addDelay(on ? fault.delay : Duration::zero());
      return;
    case FaultKind::kAcceptFull:
      wire.peer().fillAcceptQueue(on);
      if (carry_) carry_->fillAcceptQueue(peer, on);
      return;
    case FaultKind::kClose:
      if (on) wire.closeConnection();
      if (on && carry_) carry_->closeConnections(peer);
      return;
    case FaultKind::kForget:
      if (on) wire.forgetConnection();
      if (on && carry_) carry_->forgetConnections(peer);
      return;
    case FaultKind::kFilterEchoes: wire.peer().filterEchoes(on); return;
    case FaultKind::kGray:
      wire.peer().fail(on);
      if (carry_) carry_->fail(peer, on);
      return;
    default: PP_ASSERT(false);
  }
}

void World::applyToHost(const Fault& fault, bool on) {
  switch (fault.kind) {
    case FaultKind::kBlockProcess:
      if (on && carry_) carry_->block(fault.lasts);
      [[fallthrough]];
    case FaultKind::kBlockProber:
      if (on) prober_.block(fault.lasts);
      return;
    case FaultKind::kStarve: prober_.starve(on ? fault.amount * 10'000 : 0, fault.delay); break;
    case FaultKind::kNoConnects:
      prober_.failConnects(on ? static_cast<int>(fault.amount) : 0);
      if (carry_) carry_->failConnects(on ? static_cast<int>(fault.amount) : 0);
      break;
    case FaultKind::kCutAll:
      checkers_.ownLink(on);
      for (uint8_t i = 0; i < setup_.peers; ++i) {
        checkers_.beforeFault(i);
        // A partition of that peer may go on.
        const Lane& lane = lanes_[i];
        const bool own = lane.striking;
        const FaultKind kind = lane.fault.kind;
        wires_[i].out().cut(on || (own && (kind == FaultKind::kPartition || kind == FaultKind::kCutOut)));
        wires_[i].back().cut(on || (own && (kind == FaultKind::kPartition || kind == FaultKind::kCutBack)));
        if (carry_) carry_->followPath(i);
        checkers_.afterFault(i, !on);
      }
      return;
    default: PP_ASSERT(false);
  }
  checkers_.ownHostChanged();
}

void World::runFor(Duration d) {
  ended_ = false;
  SimEvent end;
  end.kind = EventKind::kEnd;
  heap_.push(heap_.now() + d, end);
  while (!ended_ && checkers_.violation() == nullptr)
    step();
}

void World::finish() {
  if (carry_) {
    windDown();
    digest_ ^= carry_->ledger().digest();
  }
  checkers_.finish();
  statistics_.worldTime = heap_.now() - start_;
  statistics_.violations = checkers_.violation() != nullptr ? 1 : 0;
}

void World::step() {
  ++statistics_.events;
  const TimePoint timer = prober_.nextTimer();
  const TimePoint own = std::min(heap_.nextAt(), timer);
  if (carry_) {
    const TimePoint carried = carry_->nextEvent();
    if (carried < own) {
      heap_.advance(carried);
      carry_->step();
      return;
    }
    carry_->advanceTo(own);
  }
  if (heap_.nextAt() <= timer) {  // what arrived is handled before anything is judged
    dispatch(heap_.pop());
    return;
  }
  heap_.advance(timer);
  prober_.runTimers();
}

void World::dispatch(const SimEvent& event) {
  switch (event.kind) {
    case EventKind::kPacket:
    case EventKind::kTcpTimer:
    case EventKind::kSyn:
    case EventKind::kSynReply:
    case EventKind::kSynTimer:
    case EventKind::kEcho:
    case EventKind::kEchoReply:
    case EventKind::kKeepalive:
    case EventKind::kKeepaliveReply:
    case EventKind::kReset:
    case EventKind::kIdleClose: wires_[event.peer].on(event); return;
    case EventKind::kLoopFree: prober_.onLoopFree(); return;
    case EventKind::kFault:
      if (event.flag == kBegin) {
        if (setup_.randomFaults) strike(event.peer, lanes_[event.peer].fault);
      } else {
        endFault(event.peer);
      }
      return;
    case EventKind::kOutcome: {
      Arrival arrival;
      arrival.kind = Arrival::Kind::kOutcome;
      arrival.id = event.b;
      arrival.outcome = event.a;
      prober_.arrived(event.peer, arrival);
      return;
    }
    case EventKind::kEnd: ended_ = true; return;
  }
}

void World::onReport(uint8_t peer, const health::Transition& t) {
  digest_ = (digest_ ^ (static_cast<uint64_t>(t.at.time_since_epoch().count()) + t.to.pack())) * 0x100000001b3u;
  if (t.from.verdict != t.to.verdict) ++counts_[peer][static_cast<size_t>(t.to.verdict)];
  checkers_.onReport(peer, t);
  if (carry_) carry_->onTransition(peer, t.at);
}

void World::onPublish(uint8_t peer, const health::CircuitWord& word) { checkers_.onPublish(peer, word); }

// --- the end of what is carried ----------------------------------------------------------------------------------

void World::windDown() {
  constexpr Duration kStep = milliseconds(100);
  constexpr Duration kPatience = seconds(16);  // beyond every timeout that a setup may have
  constexpr Duration kFarewells = milliseconds(2500);
  setup_.randomFaults = false;
  for (uint8_t i = 0; i <= kHost; ++i) {
    if (lanes_[i].striking) endFault(i);
  }
  if (violation() != nullptr) return;
  carry_->stopClients();
  for (Duration waited{}; !carry_->quiet() && waited < kPatience && violation() == nullptr; waited += kStep)
    runFor(kStep);
  if (violation() == nullptr) carry_->rules().afterQuiet();
  carry_->cutOffClients();
  // The end of a client that was not being read, because its request waits, shows when that gives up.
  for (Duration waited{}; !carry_->rules().deserted() && waited < kPatience && violation() == nullptr;
       waited += kStep)
    runFor(kStep);
  runFor(kFarewells);
  if (violation() == nullptr) carry_->rules().whenNobodyIsLeft();
  carry_->drain();
  runFor(kFarewells);
  if (violation() == nullptr) carry_->rules().afterDrain();
}

const Statistics& World::statistics() {
  if (carry_) sumUpCarry();
  return statistics_;
}

void World::sumUpCarry() {
  statistics_.refused = statistics_.failedInFlight = statistics_.retries = 0;
  statistics_.held = statistics_.ramped = statistics_.failOpen = 0;
  statistics_.exchanges = carry_->ledger().size();
  statistics_.completed = carry_->ledger().complete();
  if (setup_.carry.fanout.on) {
    const OperationLedger& operations = carry_->operations();
    statistics_.operations = operations.entries().size();
    statistics_.operationAnswers = operations.answers();
    statistics_.operationSuccesses = operations.successes();
    statistics_.fallbacks = operations.fallbacks();
  }
  for (uint8_t i = 0; i < setup_.peers; ++i) {
    const stats::PeerStats& stats = carry_->stats().peer(PeerId{i});
    statistics_.refused += stats.fastFailuresTotal.get() - stats.failedInFlightTotal.get();
    statistics_.failedInFlight += stats.failedInFlightTotal.get();
    statistics_.retries += stats.retriesTotal.get();
    statistics_.held += stats.heldTotal.get();
    statistics_.ramped += stats.rampedTotal.get();
    statistics_.failOpen += stats.failOpenTotal.get();
  }
}

void World::printLog(FILE* to) const {
  constexpr std::array<const char*, 3> kProfiles = {"lan", "fast", "wan"};
  std::fprintf(to, "profile %s, %u peers\n", kProfiles[static_cast<size_t>(setup_.profile)], setup_.peers);
  for (uint32_t i = 0; i < setup_.peers; ++i) {
    const PeerSetup& p = setup_.peer[i];
    std::fprintf(
        to, " p%u: one-way %.3f/%.3f ms, jitter %.3f/%.3f ms, loss %.2f/%.2f %%%s%s%s%s%s%s%s%s, backlog %u, %s\n", i,
        toMillis(p.out.delay), toMillis(p.back.delay), toMillis(p.out.jitter), toMillis(p.back.jitter),
        p.out.lossPerMillion / 1e4, p.back.lossPerMillion / 1e4,
        p.out.burstEvery > Duration::zero() ? ", bursts" : "", p.peer.speaksHttp2 ? "" : ", no HTTP/2",
        p.peer.polices ? ", polices PINGs" : "", p.peer.hostPortAnswers ? "" : ", firewalled",
        p.probe.healthPath.empty() ? "" : ", health path",
        !p.peer.answersEchoes         ? ""
        : p.peer.echoesPerSecond != 0 ? ", answers some echoes"
                                      : ", answers echoes",
        p.peer.answersRequests ? "" : ", mute", p.peer.closesAfterEach ? ", HTTP/1.0" : "", p.peer.backlog,
        toString(prober_.health(i).mode()));
  }
  if (setup_.carry.on) printCarry(to);
  log_.print(to);
  if (carry_) carry_->describe(to);
}

void World::printCarry(FILE* to) const {
  const CarrySetup& carry = setup_.carry;
  const upstream::PoolOptions& pool = carry.options.pool;
  std::fprintf(
      to,
      "carries: trouble of %s, %u workers, %u clients, %u %% hostile, on_dead %s, connections %u, pending %u, "
      "streams %u, buffer %llu, split %u %%, direct every %.0f ms\n",
      toString(carry.trouble), carry.workers, carry.clients, carry.habits.hostile, toString(carry.onDead),
      pool.maxConnections, pool.maxPending, pool.maxStreamsPerConnection,
      static_cast<unsigned long long>(carry.options.bufferLimit), carry.splitPercent, toMillis(carry.directEvery));
  for (uint32_t i = 0; i < setup_.peers; ++i) {
    const PeerManners& m = carry.manners[i];
    std::fprintf(
        to,
        " p%u: %s, service %.1f ms, %% early %u, 1xx %u, unsized %u, refuses %u, goes away %u, breaks off %u, "
        "cuts short %u, fails %u, never answers %u, slow %u, idle close %.0f ms\n",
        i, m.http2 ? "h2" : "h1", toMillis(m.service), m.early, m.informational, m.unsized, m.refuses, m.goesAway,
        m.breaksOff, m.cutsShort, m.fails, m.neverAnswers, m.slow, toMillis(m.idleClose));
  }
}

}  // namespace peerpulse::sim
