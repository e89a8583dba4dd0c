#include "peerpulse/guard/guard.h"

#include <algorithm>
#include <cerrno>
#include <future>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

#include "peer_hosts.h"
#include "peerpulse/base/assert.h"
#include "peerpulse/net/socket.h"
#include "refusal_table.h"
#include "socket_destroyer.h"
#include "witness.h"

namespace peerpulse::guard {

namespace {

// Both are declared below and above each other's layers; their words must agree.
static_assert(stats::kWithheldNames.size() == kWithheldReasons);

std::vector<uint16_t> ownPorts(const GuardPeer& peer) {
  std::vector<uint16_t> ports = {peer.addresses.empty() ? peer.port : peer.addresses.front().port()};
  if (peer.linkPort != 0) ports.push_back(peer.linkPort);
  return ports;
}

/// By default those of all peers, unless they are too many to tell the cluster's port.
std::vector<uint16_t> commonPorts(const Options& options, const std::vector<GuardPeer>& peers) {
  std::vector<uint16_t> ports = options.ports;
  if (ports.empty()) {
    for (const GuardPeer& peer : peers) {
      if (!peer.guarded) continue;
      const std::vector<uint16_t> own = ownPorts(peer);
      ports.insert(ports.end(), own.begin(), own.end());
    }
  }
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  if (ports.size() > Options::kMaxPorts) ports.clear();
  return ports;
}

Error missing(const Error& error) {
  if (error.code != EPERM && error.code != EACCES) return error;
  return Error{"CAP_NET_ADMIN is missing: " + error.message, error.code};
}

/// As the prober's thread: its work is little, and must not wait for the workers'. Without the right to it, it may.
void takePrecedence() { (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), Guard::kNice); }

/// SO_MARK may need more than the rest.
Result<void> mayMark(uint32_t mark) {
  auto fd = net::createStreamSocket(SocketAddress::parse("127.0.0.1:1").value());
  if (!fd) return fd.error();
  return net::setMark(fd->get(), mark);
}

bool isSuspect(health::LocalState state) {
  // Who cannot ask does not learn that a peer is back.
  return state == health::LocalState::kSuspect || state == health::LocalState::kLinkDown ||
         state == health::LocalState::kExhausted;
}

}  // namespace

Guard::Guard(const Options& options, const std::string& node, std::vector<GuardPeer> peers, Sources sources,
             GuardCallbacks& callbacks)
    : options_(options),
      node_(node),
      peers_(withoutMapping(std::move(peers))),
      ports_(commonPorts(options, peers_)),
      sources_(std::move(sources)),
      callbacks_(callbacks),
      policy_(peers_.size(), options.maxPeers, options.witness.family() != AF_UNSPEC),
      views_(peers_.size()),
      sharing_(sharingOf(peers_)),
      current_(peers_.size()),
      before_(peers_.size()),
      first_(peers_.size()),
      lookAgain_(peers_.size()) {
  for (size_t i = 0; i < peers_.size(); ++i)
    PP_ASSERT(slot(peers_[i].id) == i);
}

Guard::~Guard() { stop(); }

Result<void> Guard::open() {
  if (auto may = mayMark(options_.mark); !may) return missing(may.error());
  auto destroyer = SocketDestroyer::open(options_.mark);
  if (!destroyer) return missing(destroyer.error());
  if (auto permitted = destroyer->permitted(); !permitted) return missing(permitted.error());
  auto table = RefusalTable::make(node_, options_.mark);
  destroyer_ = std::make_unique<SocketDestroyer>(std::move(*destroyer));
  if (!table) {
    tableMissing_ = table.error().message;
    return {};
  }
  table_ = std::make_unique<RefusalTable>(std::move(*table));
  tableName_ = table_->name();
  return {};
}

void Guard::start() {
  PP_ASSERT(destroyer_ != nullptr && !thread_.joinable());
  // exit() before the loop runs would be lost: wait for its first turn.
  std::promise<void> running;
  auto isRunning = running.get_future();
  thread_ = std::thread([this, &running] { run([&running] { running.set_value(); }); });
  // The name is for people with a debugger or top; a failure changes nothing.
  (void)pthread_setname_np(thread_.native_handle(), "pp-guard");
  isRunning.wait();
}

void Guard::stop() {
  if (thread_.joinable()) {
    dispatcher_.exit();
    thread_.join();
  }
  if (table_ == nullptr) return;
  if (auto removed = table_->remove(); !removed) (void)table_->refuse({});  // else its elements time out
  table_.reset();
}

void Guard::run(const std::function<void()>& onRunning) {
  takePrecedence();
  knownSince_ = dispatcher_.now();
  const auto firstTurn = dispatcher_.createTimer(onRunning);
  firstTurn->enable(Duration::zero());
  timer_ = dispatcher_.createTimer([this] { look(); });
  if (options_.witness.family() != AF_UNSPEC) {
    witness_ = std::make_unique<Witness>(dispatcher_, options_.witness, options_.mark, [this] { look(); });
  }
  dispatcher_.run();
  witness_.reset();
  timer_.reset();
}

// Whoever comes while a look is pending has published before that look begins: it clears the flag first.
void Guard::wake() {
  if (wakePending_.exchange(true, std::memory_order_acq_rel)) return;
  dispatcher_.post([this] { look(); });
}

void Guard::setAddresses(PeerId peer, std::vector<SocketAddress> addresses, bool guarded) {
  dispatcher_.post([this, peer, addresses = withoutMapping(std::move(addresses)), guarded]() mutable {
    peers_[slot(peer)].addresses = std::move(addresses);
    peers_[slot(peer)].guarded = guarded;
    sharing_ = sharingOf(peers_);
    moved_ = true;
    look();
  });
}

void Guard::look() {
  wakePending_.exchange(false, std::memory_order_acq_rel);
  const TimePoint now = dispatcher_.now();
  readViews(now);
  const std::vector<Decision>& decisions = policy_.decide(hostView(now), views_, now);
  const auto isRefused = [](const Decision& d) { return d.state == State::kRefused; };
  bool changed = std::exchange(moved_, false) && any(State::kRefused);
  for (size_t i = 0; i < peers_.size(); ++i)
    changed = changed || isRefused(decisions[i]) != isRefused(current_[i]);
  before_.swap(current_);
  current_ = decisions;
  destroyFirst(now);
  renewTable(now, changed);
  for (size_t i = 0; i < peers_.size(); ++i)
    follow(i, now);
  askWitness(now);
  arm(now);
}

void Guard::readViews(TimePoint now) {
  for (size_t i = 0; i < peers_.size(); ++i) {
    const PeerId id = peers_[i].id;
    const health::CircuitWord word = sources_.table.load(id);
    const auto byProber = TimePoint(Duration(sources_.stats.peer(id).probe.lastHeardNanos.get()));
    PeerView& view = views_[i];
    view.guarded = peers_[i].guarded;
    view.verdict = word.verdict;
    view.heldClosed = word.overridden && word.circuit == health::CircuitState::kClosed;
    // What others stamp may be younger than `now`.
    view.lastHeard = std::min(std::max(sources_.table.lastHeard(id), byProber), now);
    view.knownSince = knownSince_;
  }
  lookAtHosts();
}

void Guard::lookAtHosts() {
  const auto lives = [this](size_t peer) {
    const health::Verdict verdict = views_[peer].verdict;
    return verdict != health::Verdict::kDead && verdict != health::Verdict::kUnknown;
  };
  for (size_t i = 0; i < peers_.size(); ++i)
    views_[i].hostLives = std::any_of(sharing_[i].begin(), sharing_[i].end(), lives);
}

HostView Guard::hostView(TimePoint now) const {
  HostView host;
  host.suspect = isSuspect(sources_.localState());
  host.proberStalled = sources_.table.proberStalled(now);
  if (witness_ != nullptr) {
    host.witnessHeard = witness_->heard();
    host.witnessSilent = witness_->silent();
  }
  return host;
}

/// Of peers that are refused from now on.
void Guard::destroyFirst(TimePoint now) {
  bool destroyed = false;
  for (size_t i = 0; i < peers_.size(); ++i) {
    first_[i] = {};
    if (current_[i].state != State::kRefused || before_[i].state == State::kRefused) continue;
    first_[i] = destroySockets(i, now, 1);
    destroyed = destroyed || first_[i].destroyed > 0;
  }
  if (destroyed) std::this_thread::sleep_for(kBreath);
}

void Guard::renewTable(TimePoint now, bool changed) {
  const TimePoint beat = sources_.table.lastBeat();
  const bool due = any(State::kRefused) && now - renewedAt_ >= RefusalTable::kRenewal && beat != beatAtRenewal_;
  if (!changed && !due) return;
  destinations_.clear();
  for (size_t i = 0; i < peers_.size(); ++i) {
    if (current_[i].state != State::kRefused) continue;
    for (const SocketAddress& address : peers_[i].addresses) {
      for (const uint16_t port : portsOf(i))
        destinations_.push_back(address.withPort(port));
    }
  }
  renewedAt_ = now;
  beatAtRenewal_ = beat;
  if (table_ == nullptr) {
    lookAgain_.assign(peers_.size(), true);
    return;
  }
  const auto renewed = table_->refuse(destinations_);
  if (!renewed) return tableFails(renewed.error());
  tableFailed_ = false;
  if (!renewed->repaired) return;
  sources_.stats.guardTableRepairs.add();
  callbacks_.onTableRepaired();
  lookAgain_.assign(peers_.size(), true);  // connects may have gone out meanwhile
}

// Whoever connects meanwhile is not refused: his socket goes with the next look.
void Guard::tableFails(const Error& error) {
  lookAgain_.assign(peers_.size(), true);
  sources_.stats.guardTableErrors.add();
  if (!std::exchange(tableFailed_, true)) callbacks_.onTableFailed(error);
}

void Guard::follow(size_t peer, TimePoint now) {
  const Decision& from = before_[peer];
  const Decision& to = current_[peer];
  const bool refused = to.state == State::kRefused;
  if (from == to) {
    // With the table's renewals: as seldom as that.
    if (refused && lookAgain_[peer] && renewedAt_ == now) destroyLeft(peer, now, first_[peer]);
    return;
  }
  GuardChange change;
  change.peer = peers_[peer].id;
  change.from = from;
  change.to = to;
  change.at = now;
  stats::GuardStats& stats = sources_.stats.peer(change.peer).guard;
  stats.state.set(static_cast<uint64_t>(to.state));
  stats.why.set(static_cast<uint64_t>(to.why));
  if (to.state == State::kWithheld) stats.withheldBy[static_cast<size_t>(to.why)].add();
  if (refused) {
    stats.refusals.add();
    destroyLeft(peer, now, first_[peer]);
    change.sockets = first_[peer];
    change.took = dispatcher_.now() - now;
  }
  callbacks_.onGuard(change);
}

Destruction Guard::destroySockets(size_t peer, TimePoint now, int passes) {
  Destruction all;
  for (const SocketAddress& address : peers_[peer].addresses) {
    const uint32_t spared = all.spared;  // of each address
    all.add(destroyer_->destroy({address, portsOf(peer), silenceOf(views_[peer], now) / 2}, passes));
    all.spared += spared;
  }
  return all;
}

/// `done`: what was found before.
void Guard::destroyLeft(size_t peer, TimePoint now, Destruction& done) {
  done.add(destroySockets(peer, now, SocketDestroyer::kMaxPasses));
  lookAgain_[peer] = done.spared > 0 || done.failed > 0;
  stats::GuardStats& stats = sources_.stats.peer(peers_[peer].id).guard;
  stats.destroyed.add(done.destroyed);
  stats.spared.add(done.spared);
  stats.failed.add(done.failed);
}

std::vector<uint16_t> Guard::portsOf(size_t peer) const { return ports_.empty() ? ownPorts(peers_[peer]) : ports_; }

void Guard::askWitness(TimePoint now) {
  if (witness_ != nullptr && policy_.wantsWitness() && now - witness_->heard() >= RefusalTable::kRenewal) {
    witness_->ask();
  }
}

void Guard::arm(TimePoint now) {
  if (any(State::kWithheld)) {
    timer_->enable(kReconsider);
  } else if (any(State::kRefused)) {
    timer_->enable(std::max<Duration>(renewedAt_ + RefusalTable::kRenewal - now, kReconsider));
  } else {
    timer_->disable();
  }
}

bool Guard::any(State state) const {
  return std::any_of(current_.begin(), current_.end(), [state](const Decision& d) { return d.state == state; });
}

}  // namespace peerpulse::guard
