#include "peerpulse/probe/prober.h"

#include <algorithm>
#include <cerrno>
#include <future>
#include <pthread.h>
#include <random>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

#include "echo_sockets.h"
#include "link_watch.h"
#include "local_watch.h"
#include "outcome_inbox.h"
#include "peer_prober.h"

namespace peerpulse::probe {

namespace {

Duration shortestInterval(const std::vector<ProberPeer>& peers) {
  Duration shortest = health::ProbeOptions().interval;
  for (const ProberPeer& peer : peers)
    shortest = std::min(shortest, peer.options.interval);
  return shortest;
}

/// Those on other hosts, who are first in the list.
uint32_t countOthers(const std::vector<ProberPeer>& peers) {
  const auto own = std::find_if(peers.begin(), peers.end(), [](const ProberPeer& peer) { return peer.own; });
  PP_ASSERT(std::all_of(own, peers.end(), [](const ProberPeer& peer) { return peer.own; }));
  return static_cast<uint32_t>(own - peers.begin());
}

/// They have one connector, and so one mark.
uint32_t markOf(const std::vector<ProberPeer>& peers) { return peers.empty() ? 0 : peers.front().mark; }

std::vector<ProberPeer> byLinks(std::vector<ProberPeer> peers) {
  for (ProberPeer& peer : peers) {
    if (!peer.link) continue;
    peer.address = peer.link->address;
    peer.tls = peer.link->tls;
    peer.serverName = peer.link->serverName;
  }
  return peers;
}

/// Of those by name nothing is known yet.
std::vector<net::AddressOrder> ownAddresses(const std::vector<ProberPeer>& peers) {
  std::vector<net::AddressOrder> orders;
  for (const ProberPeer& peer : peers)
    orders.push_back(peer.address.isName() ? net::AddressOrder() : net::AddressOrder(peer.address.literal()));
  return orders;
}

/// Whether its host's address may be of another family than that of ProberPeer::address.
bool mayChangeFamily(const ProberPeer& peer) {
  return peer.address.isName() || (peer.link && peer.link->address.family() != peer.address.literal().family());
}

/// On Linux the priority of a thread.
Result<void> takePrecedence() {
  if (::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), Prober::kNice) == 0) return {};
  return systemError("setpriority", errno);
}

}  // namespace

Prober::Prober(std::vector<ProberPeer> peers, health::CircuitTable& table, ProberCallbacks& callbacks,
               uint32_t jitterSeed)
    : configured_(std::move(peers)),
      linked_(byLinks(configured_)),
      table_(table),
      callbacks_(callbacks),
      jitterSeed_(jitterSeed),
      connector_(dispatcher_, nullptr, markOf(configured_)),
      direct_(ownAddresses(configured_)) {
  for (size_t i = 0; i < configured_.size(); ++i) {
    PP_ASSERT(slot(configured_[i].id) == i && i < table_.size() && configured_[i].stats != nullptr);
  }
  watch_ = std::make_unique<LocalWatch>(countOthers(configured_), shortestInterval(configured_),
                                        [this](health::LocalState from, health::LocalState to) {
                                          callbacks_.onLocalHealth(from, to, watch_->evidence(dispatcher_.now()));
                                        });
  inbox_ = std::make_unique<OutcomeInbox>([this] { dispatcher_.post([this] { drainSoon(); }); },
                                          [this](PeerId peer) {
                                            if (slot(peer) < configured_.size())
                                              configured_[slot(peer)].stats->outcomesDropped.add();
                                          });
}

Prober::~Prober() { stop(); }

health::LocalState Prober::localState() const { return watch_->state(); }

void Prober::start() {
  PP_ASSERT(!thread_.joinable() && !stopped_);
  table_.beat(dispatcher_.now());  // whoever asks before the thread's first beat must not find a stopped prober
  // exit() before the loop runs would be lost: wait for its first turn.
  std::promise<void> running;
  auto isRunning = running.get_future();
  thread_ = std::thread([this, &running] { runThread([&running] { running.set_value(); }); });
  // The name is for people with a debugger or top; a failure changes nothing.
  (void)pthread_setname_np(thread_.native_handle(), "pp-prober");
  isRunning.wait();
}

void Prober::stop() {
  if (stopped_) return;
  stopped_ = true;
  if (!thread_.joinable()) return;
  dispatcher_.exit();
  thread_.join();
}

// Peers that share a phase share the loop's wake-ups; many peers are spread over T, so that no turn is long and the
// host's traffic has no peaks.
Duration Prober::phaseOf(const ProberPeer& peer) const {
  const auto slots = static_cast<int64_t>((configured_.size() + kPeersPerPhase - 1) / kPeersPerPhase);
  const Duration interval = peer.options.interval;
  const Duration own = interval * static_cast<int64_t>(jitterSeed_ % 1024) / 1024;  // hosts are spread as well
  return (own + interval * (slot(peer.id) % slots) / slots) % interval;
}

void Prober::runThread(std::function<void()> onRunning) {
  precedence_ = takePrecedence();
  openEchoSockets();
  const auto firstTurn = dispatcher_.createTimer(std::move(onRunning));
  firstTurn->enable(Duration::zero());
  drainTimer_ = dispatcher_.createTimer([this] { drainInbox(); });
  peers_.resize(configured_.size());
  awaited_.resize(configured_.size());
  links_.resize(configured_.size());
  for (uint32_t at = 0; at < configured_.size(); ++at) {
    watchLink(at);
    begin(at);
  }
  dispatcher_.measureLag(kBeatInterval, [this](Duration lag) { beat(lag); });
  dispatcher_.run();
  peers_.clear();
  links_.clear();
  echoes_.reset();
  dispatcher_.clearDeferred();  // their connections refer to io_
  drainTimer_.reset();
}

void Prober::watchLink(uint32_t slot) {
  if (!configured_[slot].link) return;
  links_[slot] =
      std::make_unique<LinkWatch>(linked_[slot], direct_[slot], dispatcher_, io_,
                                  [this](const health::LinkChange& change, bool afresh) { onLink(change, afresh); });
}

// By its own address only once it is known where that leads.
void Prober::begin(uint32_t slot) {
  LinkWatch* const link = table_.direct(configured_[slot].id) ? nullptr : links_[slot].get();
  const ProberPeer& peer = (link != nullptr ? linked_ : configured_)[slot];
  const net::AddressOrder addresses = link != nullptr ? net::AddressOrder(peer.address.literal()) : direct_[slot];
  if (addresses.empty()) return;
  const uint32_t seed = jitterSeed_ + slot * 2654435761u;  // Knuth: neighbours far apart
  peers_[slot] = std::make_unique<PeerProber>(peer, addresses, dispatcher_, io_, table_, callbacks_, *watch_,
                                              *echoes_, seed, phaseOf(peer), link);
}

void Prober::feed(uint32_t slot, const health::Event& event) {
  if (slot < peers_.size() && peers_[slot] != nullptr) peers_[slot]->feed(event);
}

void Prober::setAddresses(PeerId id, AddressSetRef addresses) {
  dispatcher_.post([this, at = slot(id), addresses = std::move(addresses)] {
    if (at >= peers_.size()) return;
    (void)direct_[at].set(*addresses);
    if (peers_[at] != nullptr) {
      peers_[at]->setAddresses(*addresses);
      return;
    }
    begin(at);
    if (awaited_[at]) feed(at, *std::exchange(awaited_[at], std::nullopt));
  });
}

// Who tells may be the very prober that is to go: it goes in a turn of its own.
void Prober::onLink(const health::LinkChange& change, bool afresh) {
  const bool direct = change.to == health::LinkState::kFallback;
  const bool moved = direct != table_.direct(change.peer);
  table_.publishDirect(change.peer, direct);
  callbacks_.onLink(change);
  if (moved || afresh) dispatcher_.post([this, at = slot(change.peer)] { renewPeer(at); });
}

// What it has learnt is of another way to the peer; an operator's word is not, and what the table says stands until there is
// evidence.
void Prober::renewPeer(uint32_t slot) {
  if (slot >= peers_.size()) return;  // the end was quicker
  const PeerId id = configured_[slot].id;
  const auto order = peers_[slot]->standingOverride(dispatcher_.now());
  peers_[slot].reset();
  table_.publishProtocol(id, health::PeerProtocol::kUnknown);
  if (table_.owing(id)) {
    table_.publishOwing(id, false);
    callbacks_.onOwing(id);
  }
  begin(slot);
  if (order) feed(slot, *order);
}

void Prober::openEchoSockets() {
  std::vector<SocketAddress> addresses;
  bool either = false;
  for (const ProberPeer& peer : configured_) {
    addresses.push_back(peer.options.icmp ? peer.address.literal() : SocketAddress());
    either = either || (peer.options.icmp && mayChangeFamily(peer));
  }
  // Not the seed: that may be the same on many hosts, and every raw socket hears the answers of all.
  std::random_device random;
  const uint64_t token = static_cast<uint64_t>(random()) << 32 | random();
  echoes_ = std::make_unique<EchoSockets>(
      dispatcher_, std::move(addresses), either, token, markOf(configured_),
      [this](uint32_t slot, uint32_t sequence) { feed(slot, health::EchoAnswered{sequence}); });
  echoStatus_ = echoes_->status();
}

void Prober::beat(Duration lag) {
  const TimePoint now = dispatcher_.now();
  const bool returned = table_.proberStalled(now);
  table_.beat(now);
  if (returned) callbacks_.onReturned();
  watch_->beat(lag, now);
  if (lag > Duration(loopLag_.load(std::memory_order_relaxed)))
    loopLag_.store(lag.count(), std::memory_order_relaxed);
  drainInbox();
  // A slice of the peers each time, all of them once per kStatsInterval: no turn of the loop is long.
  for (statsOwed_ += peers_.size() * kBeatInterval; statsOwed_ >= kStatsInterval; statsOwed_ -= kStatsInterval)
    if (auto& peer = peers_[nextStats_++ % peers_.size()]; peer != nullptr) peer->refreshStats();
}

void Prober::drainSoon() {
  const Duration since = dispatcher_.now() - lastDrain_;
  if (since >= kMinDrainInterval) {
    drainInbox();
  } else if (drainTimer_ != nullptr && !drainTimer_->enabled()) {
    drainTimer_->enable(kMinDrainInterval - since);
  }
}

void Prober::drainInbox() {
  lastDrain_ = dispatcher_.now();
  inbox_->woken();
  // What comes in meanwhile waits for the next time: producers must not keep the prober here.
  for (size_t i = 0; i < OutcomeInbox::kCapacity; ++i) {
    const auto record = inbox_->take();
    if (!record.has_value()) return;
    feed(slot(record->peer), *record);
  }
}

health::OutcomeSink& Prober::outcomes() { return *inbox_; }

void Prober::overrideCircuit(PeerId peer, health::CircuitOverride::Kind state, Duration ttl) {
  dispatcher_.post([this, peer, state, ttl] {
    const uint32_t at = slot(peer);
    if (at < peers_.size() && peers_[at] == nullptr) awaited_[at] = health::CircuitOverride{state, ttl};
    feed(at, health::CircuitOverride{state, ttl});
  });
}

}  // namespace peerpulse::probe
