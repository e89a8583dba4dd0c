#include "carry_world.h"

#include <string>
#include <utility>

#include "scenario.h"

namespace peerpulse::sim {

namespace {

constexpr uint16_t kStoragePort = 9000;

std::string peerName(uint32_t peer) { return "node" + std::to_string(peer + 2); }
std::string peerIp(uint32_t peer) { return "10.0.0." + std::to_string(peer + 2); }

SocketAddress addressOf(const std::string& ip, uint32_t port) {
  return *SocketAddress::parse(ip + ":" + std::to_string(port));
}

std::vector<std::string> namesOf(uint32_t peers) {
  std::vector<std::string> names;
  for (uint32_t i = 0; i < peers; ++i)
    names.push_back(peerName(i));
  return names;
}

std::vector<std::string> routesOf(const proxy::ProxyOptions& options) {
  std::vector<std::string> names;
  for (const proxy::Route& route : options.routes)
    names.push_back(route.name);
  return names;
}

test::NetworkOptions networkOptions(const CarrySetup& setup, uint64_t seed) {
  test::NetworkOptions options;
  options.seed = seed;
  options.splitPercent = setup.splitPercent;
  return options;
}

test::PathOptions pathOf(const LinkModel& link) {
  test::PathOptions path;
  path.delay = link.delay();
  path.jitter = link.jitter();
  path.lossPerMillion = link.lossPerMillion();
  return path;
}

}  // namespace

CarryWorld::CarryWorld(EventHeap& heap, ProberModel& prober, std::array<WireModel, kMaxPeers>& wires,
                       const WorldSetup& setup, EventLog& log, const BodyPattern& pattern, Random random,
                       CarryWatcher& watcher)
    : heap_(heap),
      log_(log),
      prober_(prober),
      wires_(wires),
      count_(setup.peers),
      pattern_(pattern),
      watcher_(watcher),
      time_(heap.now()),
      network_(time_, networkOptions(setup.carry, random.next())),
      own_(network_.addHost("10.0.0.1", setup.carry.sockets)),
      applications_(network_.addHost("127.0.0.1", setup.carry.sockets)),
      ledger_(watcher, log, setup.carry.options.retry),
      trials_(setup.peers),
      stats_(namesOf(setup.peers), routesOf(setup.carry.options), {"worker0", "worker1"}),
      clientHost_(time_, network_, applications_, ledger_, pattern),
      fanout_(setup.carry.fanout) {
  PP_ASSERT(count_ <= kMaxCarryingPeers);
  addPeers(setup, random);
  const proxy::SharedState shared{prober_.table(), trials_, stats_, *this};
  host_ = std::make_unique<OwnHost>(time_, network_, own_, shared, optionsOf(setup), fanout_, setup.carry.workers);
  for (const auto& worker : host_->workers())
    worker->loop().setTurnCost(setup.carry.turnCost);
  rules_ = std::make_unique<CarryRules>(*this, setup, prober_, watcher);
  addClients(setup, random);
  if (fanout_.on) addCallers(setup.carry, random);
}

CarryWorld::~CarryWorld() {
  clients_.clear();
  callers_.clear();
  direct_.clear();
  clientHost_.loop.clearDeferred();
  host_.reset();
  peers_.clear();
}

void CarryWorld::addPeers(const WorldSetup& setup, Random& random) {
  for (uint8_t i = 0; i < count_; ++i) {
    hosts_[i] = network_.addHost(peerIp(i), setup.carry.sockets);
    peers_.push_back(std::make_unique<StoragePeer>(time_, network_, hosts_[i], i, addressOf(peerIp(i), kStoragePort),
                                                   setup.carry.manners[i], random.fork(), ledger_, pattern_));
    followPath(i);
    // Learnt in an earlier life.
    if (!setup.carry.manners[i].http2) {
      prober_.table().publishProtocol(PeerId{i}, health::PeerProtocol::kHttp1);
    }
  }
  network_.setPaths(own_, applications_, {.delay = microseconds(10)});
}

proxy::ProxyOptions CarryWorld::optionsOf(const WorldSetup& setup) const {
  proxy::ProxyOptions options = setup.carry.options;
  for (uint32_t i = 0; i < count_; ++i) {
    proxy::PeerOptions& peer = options.peers.emplace_back();
    peer.id = PeerId{i};
    peer.name = peerName(i);
    peer.address = addressOf(peerIp(i), kStoragePort);
    peer.listen = addressOf("10.0.0.1", kStoragePort + i);
    peer.onDead = setup.carry.onDead;
    peer.probe = setup.peer[i].probe;
  }
  return options;
}

void CarryWorld::addClients(const WorldSetup& setup, Random& random) {
  for (uint8_t i = 0; i < count_; ++i) {
    const PeerAbilities abilities{setup.carry.manners[i].http2, true};
    const SocketAddress listener = addressOf("10.0.0.1", kStoragePort + i);
    ClientHabits habits = setup.carry.habits;
    habits.metronome = setup.peer[i].exchangeEvery;
    const uint32_t clients = setup.randomClients()                 ? setup.carry.clients
                             : habits.metronome > Duration::zero() ? 1
                                                                   : 0;
    if (setup.randomClients()) habits.metronome = Duration::zero();
    for (uint32_t n = 0; n < clients; ++n) {
      clients_.push_back(std::make_unique<LocalClient>(clientHost_, i, listener, abilities, habits, random.fork()));
    }
    if (setup.carry.directEvery == Duration::zero()) continue;
    for (const auto& worker : host_->workers()) {
      direct_.push_back(std::make_unique<DirectCaller>(worker->context(), i, abilities.http2, setup.carry.directEvery,
                                                       random.fork(), ledger_, pattern_, watcher_));
    }
  }
}

void CarryWorld::addCallers(const CarrySetup& setup, Random& random) {
  operations_ = std::make_unique<OperationLedger>(ledger_, watcher_, log_, pattern_, rules_->setup(), count_);
  fanoutRules_ = std::make_unique<FanoutRules>(*this, rules_->setup(), count_, watcher_);
  for (uint32_t i = 0; i < setup.fanout.callers; ++i) {
    callers_.push_back(std::make_unique<FanoutCaller>(clientHost_, *operations_, host_->apiAddress(), fanout_, count_,
                                                      random.fork()));
  }
}

void CarryWorld::step() {
  const TimePoint beaten = prober_.table().lastBeat();
  prober_.beat();
  const bool returned = prober_.table().lastBeat() - beaten > health::CircuitTable::kBeatTimeout;
  const TimePoint now = heap_.now();
  time_.stepBefore(now + Duration(1));
  if (returned) host_->proberReturned();
  for (uint8_t i = 0; i < count_; ++i) {
    if (network_.lastArrival(hosts_[i], own_) == now) wires_[i].dataArrived();
  }
  rules_->afterStep(time_.lastRun());
  if (fanoutRules_) fanoutRules_->afterStep();
}

void CarryWorld::onTransition(uint8_t peer, TimePoint at) {
  host_->circuitChanged(PeerId{peer}, at);
  rules_->afterTransition(peer);
}

// Through the inbox: the prober takes it in a turn of its own.
void CarryWorld::record(const health::OutcomeRecord& record) {
  const auto peer = static_cast<uint8_t>(slot(record.peer));
  rules_->onOutcome(peer, record);
  log_.add({heap_.now(), "outcome", peer, static_cast<int64_t>(record.outcome), record.generation, "", ""});
  SimEvent event;
  event.kind = EventKind::kOutcome;
  event.peer = peer;
  event.a = static_cast<uint32_t>(record.outcome);
  event.b = record.generation;
  heap_.push(heap_.now(), event);
}

// --- faults ------------------------------------------------------------------------------------------------------

void CarryWorld::powerOff(uint8_t peer) {
  network_.cutPower(hosts_[peer]);
  peers_[peer]->end();
  ledger_.powerLost(peer);
}

void CarryWorld::powerOn(uint8_t peer) {
  network_.restorePower(hosts_[peer]);
  peers_[peer]->start();
}

void CarryWorld::kill(uint8_t peer) {
  network_.kill(hosts_[peer]);
  peers_[peer]->end();
}

void CarryWorld::followPath(uint8_t peer) {
  const LinkModel& out = wires_[peer].out();
  const LinkModel& back = wires_[peer].back();
  network_.setPath(own_, hosts_[peer], pathOf(out));
  network_.setPath(hosts_[peer], own_, pathOf(back));
  network_.cut(own_, hosts_[peer], out.isCut());
  network_.cut(hosts_[peer], own_, back.isCut());
}

void CarryWorld::block(Duration d) {
  host_->block(heap_.now() + d);
  rules_->blockedUntil(heap_.now() + d);
  if (fanoutRules_) fanoutRules_->blocked(d, heap_.now());
}

void CarryWorld::describe(FILE* to) {
  for (size_t w = 0; w < host_->workers().size(); ++w) {
    SimWorker& worker = *host_->workers()[w];
    std::fprintf(to, "worker %zu%s: farewells %zu\n", w, worker.loop().blocked() ? " (blocked)" : "",
                 worker.context().io.farewells.size());
    for (uint8_t i = 0; i < count_; ++i) {
      const upstream::Peer& peer = worker.peer(i);
      std::fprintf(to, " p%u: held %zu, in flight %zu, waiting %zu, connections %zu, of clients %zu, %s\n", i,
                   peer.requestsHeld(), peer.requestsInFlight(), peer.waiting(), peer.connections(),
                   worker.listener(i).connections(), peer.settled() ? "settled" : "NOT SETTLED");
    }
  }
  std::fprintf(to, "open on the own host: %zu; requests whose clients wait:\n", network_.openEnds(own_));
  for (const uint32_t id : ledger_.live()) {
    const RequestEntry& r = ledger_.entry(id);
    std::fprintf(
        to,
        "  %u p%u %s%s, began %.3f ms, moved %.3f ms, %u sights, %llu of %llu sent, %llu arrived; status %d, %llu of "
        "%llu answered, %llu received\n",
        id, r.peer, toString(r.wish), r.honest ? "" : " hostile", toMillis(r.began - TimePoint() - seconds(1000)),
        toMillis(r.progress - TimePoint() - seconds(1000)), r.sights, static_cast<unsigned long long>(r.bodySent),
        static_cast<unsigned long long>(r.bodySize), static_cast<unsigned long long>(r.bodyAtPeer), r.statusSeen,
        static_cast<unsigned long long>(r.answerSent), static_cast<unsigned long long>(r.answerSize),
        static_cast<unsigned long long>(r.received));
  }
}

// --- the end -----------------------------------------------------------------------------------------------------

void CarryWorld::stopClients() {
  for (const auto& client : clients_)
    client->stop();
  for (const auto& caller : direct_)
    caller->stop();
  for (const auto& caller : callers_)
    caller->stop();
  if (fanout_.on && fanout_.ending == FanoutEnding::kDrained) host_->drain();
  if (fanout_.on && fanout_.ending == FanoutEnding::kAborted) host_->abortOperations();
}

bool CarryWorld::quiet() const {
  for (const auto& client : clients_) {
    if (!client->idle()) return false;
  }
  for (const auto& caller : direct_) {
    if (!caller->idle()) return false;
  }
  for (const auto& caller : callers_) {
    if (!caller->idle()) return false;
  }
  return true;
}

void CarryWorld::cutOffClients() {
  for (const auto& client : clients_)
    client->cutOff();
  for (const auto& caller : direct_)
    caller->cutOff();
  for (const auto& caller : callers_)
    caller->cutOff();
}

}  // namespace peerpulse::sim
