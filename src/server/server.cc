#include "server.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <random>
#include <utility>

#include "guard_log.h"
#include "memory_size.h"
#include "peerpulse/admin/token.h"
#include "peerpulse/admin/transition_document.h"
#include "peerpulse/http/via.h"
#include "peerpulse/log/log.h"
#include "peerpulse/net/kernel_features.h"
#include "preflight.h"
#include "process_usage.h"
#include "service_notify.h"
#include "transition_log.h"

namespace peerpulse::server {

namespace {

constexpr milliseconds kProberWatchInterval{100};
// Between two looks at the prober: more, and the look itself was late.
constexpr milliseconds kPaused{500};
constexpr milliseconds kLagInterval{50};

// The rows of Stats::loop().
constexpr size_t kMainLoop = 0;
constexpr size_t kProberLoop = 1;
constexpr size_t kFirstWorkerLoop = 2;

std::vector<std::string> peerNames(const config::Config& config) {
  std::vector<std::string> names;
  for (const auto& peer : config.proxy.peers)
    names.push_back(peer.name);
  return names;
}

std::vector<std::string> routeNames(const config::Config& config) {
  std::vector<std::string> names;
  for (const auto& route : config.proxy.routes)
    names.push_back(route.name);
  return names;
}

std::vector<std::string> loopNames(const config::Config& config) {
  std::vector<std::string> names = {"main", "prober"};
  for (uint32_t i = 0; i < config.workers; ++i)
    names.push_back("worker" + std::to_string(i));
  return names;
}

uint64_t randomNumber() {
  std::random_device random;
  return static_cast<uint64_t>(random()) << 32 | random();
}

std::optional<probe::ProberLink> proberLink(const upstream::LinkOptions& link) {
  if (link.mode == upstream::LinkMode::kOff) return std::nullopt;
  return probe::ProberLink{link.address, link.tlsContext, link.tls.serverName,
                           link.mode == upstream::LinkMode::kPrefer, link.retry};
}

const char* signalName(int signal) {
  switch (signal) {
    case SIGTERM: return "SIGTERM";
    case SIGINT: return "SIGINT";
    case SIGHUP: return "SIGHUP";
    case SIGUSR1: return "SIGUSR1";
    case SIGUSR2: return "SIGUSR2";
    default: return "?";
  }
}

/// Nobody answers where it is said to be.
bool isLost(health::Verdict verdict) {
  return verdict == health::Verdict::kDead || verdict == health::Verdict::kRefusing;
}

void logKernelFeatures() {
  const net::KernelFeatures& kernel = net::kernelFeatures();
  log::write(log::Level::kInfo, "kernel_features",
             log::Fields()
                 .add("tcp_user_timeout", kernel.userTimeout)
                 .add("tcp_rto_min", kernel.rtoMin())
                 .add("tcp_rto_min_floor_ms", toMillis(kernel.rtoMinFloor))
                 .add("tcp_rto_max", kernel.rtoMax)
                 .add("tcp_info_bytes", uint64_t{kernel.tcpInfoBytes}));
}

// What was asked for and cannot be had is said; everything works without it.
void logKtls(const std::vector<proxy::PeerOptions>& peers) {
  const auto wants = [](const proxy::PeerOptions& peer) {
    return (peer.tls.enabled && peer.tls.ktls) || (peer.tlsDownstream.enabled() && peer.tlsDownstream.ktls);
  };
  if (std::none_of(peers.begin(), peers.end(), wants)) return;
  const bool available = net::kernelHasTls();
  log::Fields fields;
  fields.add("available", available);
  if (!available) fields.add("todo", "load the kernel's module (modprobe tls), or turn ktls off");
  log::write(available ? log::Level::kInfo : log::Level::kWarn, "ktls", std::move(fields));
}

}  // namespace

Server::Server(config::Config config)
    : config_(std::move(config)),
      pseudonym_(http::viaPseudonym(randomNumber())),
      storePseudonym_(http::viaPseudonym(randomNumber())),
      stats_(peerNames(config_), routeNames(config_), loopNames(config_)),
      memory_(memoryLimitOf(config_.proxy.memory, memorySize())),
      events_(config_.proxy.peers.size(), dispatcher_.wallNow()),
      tlsFiles_(dispatcher_, stats_),
      snapshot_(std::make_shared<const proxy::Snapshot>(1, tlsFiles_.prepare(config_.proxy))),
      gates_(table_),
      apiBudget_(config_.api),
      transparent_(config_, table_, stats_),
      drainRecord_(drainRecordPath(config_.drainRecord, std::getenv("STATE_DIRECTORY"))) {}

Server::~Server() { stopAll(); }

Result<void> Server::run() {
  if (auto blocked = Signals::block(); !blocked) return blocked;
  auto started = log::start(config_.log);
  if (started) started = start();
  if (started) {
    serviceNotify("READY=1");
    memoryReturn_.emplace(dispatcher_);
    memoryWatch_.emplace(dispatcher_, memory_);
    dispatcher_.run();
    memoryReturn_.reset();
    memoryWatch_.reset();
    recordDrain();
  }
  stopAll();
  log::stop();
  return started;
}

Result<void> Server::start() {
  DescriptorWatch::raiseLimit();
  logKernelFeatures();
  logKtls(config_.proxy.peers);
  if (auto may = mayMark(config_.upstreamMark); !may) {
    return Error{"/upstream/mark: " + may.error().message, may.error().code};
  }
  signals_ = std::make_unique<Signals>(dispatcher_, [this](int signal) { onSignal(signal); });
  if (!signals_->status()) return signals_->status();
  if (auto loaded = tlsFiles_.load(); !loaded) return loaded;
  for (const auto& peer : config_.proxy.peers)
    table_.adopt(peer.id);
  if (auto opened = gates_.open(config_.proxy.peers); !opened) return opened;
  if (auto opened = openApi(); !opened) return opened;
  if (auto opened = transparent_.open([this] { return workersBeat(); }); !opened) return opened;

  openGuard();
  std::vector<probe::ProberPeer> probed;
  for (const auto& peer : snapshot_->options.peers) {
    const bool own = peer.role == proxy::Role::kStore;
    probed.push_back({peer.id, peer.name, peer.address, peer.probe, &stats_.peer(peer.id).probe, mark(),
                      peer.tlsContext, upstream::tlsServerName(peer), peer.source, proberLink(peer.link), own});
    stats_.peer(peer.id).link.mode.set(static_cast<uint64_t>(peer.link.mode));
    stats_.peer(peer.id).link.begins(dispatcher_.wallNow());
  }
  const auto onChange = [this](const health::Transition& transition, WallTime at) {
    if (hook_) hook_->onTransition(transition, at);
  };
  Reporter::Sinks sinks{.snapshot = [this] { return snapshot_; },
                        .table = table_,
                        .stats = stats_,
                        .events = events_,
                        .onChange = onChange};
  reporter_ = std::make_unique<Reporter>(dispatcher_, std::move(sinks));
  if (!reporter_->status()) return reporter_->status();
  prober_ = std::make_unique<probe::Prober>(std::move(probed), table_, *this, std::random_device{}());
  table_.beat(dispatcher_.now());
  makeNames();  // the prober's thread may ask it to hurry
  startHook();
  startWorkers();
  prober_->start();
  if (guard_) guard_->start();
  names_->start();
  if (const auto& precedence = prober_->precedence(); !precedence) {
    log::write(log::Level::kInfo, "prober_precedence",
               log::Fields().add("nice", probe::Prober::kNice).add("error", precedence.error().message));
  }
  if (const auto& echoes = prober_->echoes(); !echoes) {
    log::write(log::Level::kInfo, "probe_icmp",
               log::Fields()
                   .add("error", echoes.error().message)
                   .add("details",
                        "peers that get no PINGs get TCP connects; CAP_NET_RAW or net.ipv4.ping_group_range "
                        "would spare them"));
  }
  if (auto started = startAdmin(); !started) return started;
  if (auto begun = descriptorWatch_.begin(static_cast<uint32_t>(config_.proxy.peers.size())); !begun) return begun;

  tlsFiles_.watch();
  transparent_.start();
  readLastDrain();  // not before: a start that fails tells nobody of it
  loopWatch_.emplace(dispatcher_, loopTime_);
  proberWatch_ = dispatcher_.createTimer([this] { watchProber(); });
  watchedAt_ = dispatcher_.now();
  proberWatch_->enable(kProberWatchInterval);
  dispatcher_.measureLag(kLagInterval, [this](Duration lag) { stats_.loop(kMainLoop).lag.observe(lag); });
  for (const config::Warning& warning : config_.warnings) {
    log::write(log::Level::kWarn, "configuration_warning",
               log::Fields().add("where", warning.where).add("details", warning.text));
  }
  log::write(log::Level::kInfo, "started",
             log::Fields()
                 .add("version", PEERPULSE_VERSION)
                 .add("node", config_.node)
                 .add("peers", uint64_t{config_.proxy.peers.size()})
                 .add("workers", config_.workers));
  return {};
}

// Before anything connects: its sockets are to carry the mark.
void Server::openGuard() {
  const std::vector<config::GuardRole> roles = config::guardRoles(config_);
  std::vector<guard::GuardPeer> peers;
  for (const auto& peer : config_.proxy.peers) {
    if (peer.role == proxy::Role::kStore) continue;  // that it lives says nothing of the network
    std::vector<SocketAddress> addresses;
    if (!peer.address.isName()) addresses.push_back(peer.address.literal());
    const bool linked = peer.link.mode != upstream::LinkMode::kOff;
    peers.push_back({peer.id, std::move(addresses), roles[slot(peer.id)].guarded, peer.address.port(),
                     linked ? peer.link.address.port() : uint16_t{0}});
  }
  if (std::none_of(peers.begin(), peers.end(), [](const auto& peer) { return peer.guarded; })) return;
  const guard::Sources sources{table_, stats_, [this] { return prober_->localState(); }};
  guard_ = std::make_unique<guard::Guard>(config_.guard, config_.node, std::move(peers), sources, *this);
  if (auto opened = guard_->open(); !opened) {
    guard_.reset();
    guardMissing_ = opened.error().message;
    logGuardUnavailable(guardMissing_);
    return;
  }
  guardMissing_ = guard_->tableMissing();
  if (!guardMissing_.empty()) logGuardTableMissing(guardMissing_);
  logGuardReady(guard_->tableName(), config_.guard.mark);
}

uint32_t Server::mark() const { return guard_ || transparent_.active() ? config_.guard.mark : config_.upstreamMark; }

TimePoint Server::workersBeat() const {
  TimePoint oldest = TimePoint::max();
  for (const auto& worker : workers_)
    oldest = std::min(oldest, worker->lastBeat());
  return oldest;
}

Result<void> Server::openApi() {
  if (config_.api.listen.family() == AF_UNSPEC) return {};
  auto socket = net::ListenSocket::open(config_.api.listen);
  if (!socket) return Error{"api: " + socket.error().message, socket.error().code};
  apiSocket_ = std::move(*socket);
  return {};
}

void Server::startWorkers() {
  const proxy::SharedState shared{table_,     trials_,         stats_,  prober_->outcomes(),
                                  pseudonym_, storePseudonym_, &memory_};
  const SharedApi api{apiSocket_.get(), &config_.api, &apiBudget_};
  for (uint32_t i = 0; i < config_.workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, shared, snapshot_, gates_.sockets(), api, transparent_.shared(),
                                                descriptors_, kFirstWorkerLoop + i, mark()));
    workers_.back()->start();
  }
}

void Server::makeNames() {
  NameSinks sinks{
      .onAddresses = [this](PeerId peer, const AddressSetRef& addresses) { onAddresses(peer, addresses); },
      .isLost = [this](PeerId peer) { return isLost(table_.load(peer).verdict); },
      .onNoAddress = [this](PeerId peer, dns::Status status,
                            const std::string& name) { onNoAddress(peer, status, name); }};
  names_ = std::make_unique<PeerNames>(dispatcher_, config_, stats_, std::move(sinks));
}

// The prober first: whoever finds a peer dead where it was must not hear of it after who goes there.
void Server::onAddresses(PeerId peer, const AddressSetRef& addresses) {
  prober_->setAddresses(peer, addresses);
  for (auto& worker : workers_)
    worker->addressesChanged(peer, addresses);
  if (!guard_) return;
  const bool meant = guard::guards(config_.proxy.peers[slot(peer)].mode);
  const bool own = std::any_of(addresses->addresses.begin(), addresses->addresses.end(), config::isOwnAddress);
  guard_->setAddresses(peer, addresses->addresses, meant && !own);
}

void Server::onNoAddress(PeerId peer, dns::Status status, const std::string& name) {
  upstream::Failure failure;
  failure.timedOut = status == dns::Status::kTimeout;
  failure.type = failure.timedOut ? upstream::ErrorType::kDnsTimeout : upstream::ErrorType::kDnsError;
  if (status == dns::Status::kLoop) failure.type = upstream::ErrorType::kProxyLoopDetected;
  failure.party = upstream::Party::kHost;
  failure.detail = name + ": " + dns::explain(status);
  for (auto& worker : workers_)
    worker->addressesFailed(peer, failure);
}

void Server::startHook() {
  if (config_.onTransition.command.empty()) return;
  hookRunner_ = std::make_unique<hooks::HookRunner>(config_.onTransition, stats_.hooks);
  hookRunner_->start();
  hook_ = std::make_unique<TransitionHook>(
      [this, sources = adminSources()](const health::Transition& transition, WallTime at) {
        hookRunner_->submit({transition.peer, stats_.name(transition.peer),
                             admin::transitionDocument(sources, transition, at),
                             admin::contextDocument(sources, dispatcher_.now())});
      });
}

admin::Sources Server::adminSources() {
  admin::Sources sources;
  sources.node = config_.node;
  sources.zone = config_.zone;
  sources.version = PEERPULSE_VERSION;
  sources.snapshot = [this] { return snapshot_; };
  sources.circuits = &table_;
  sources.stats = &stats_;
  sources.own = &stats_.admin;
  sources.events = &events_;
  sources.effectiveConfig = config::effectiveJson(config_);
  sources.overrideCircuit = [this](PeerId peer, const health::CircuitOverride& order, const std::string&) {
    prober_->overrideCircuit(peer, order.kind, order.ttl);
  };
  sources.localHealth = [this] { return health::toString(prober_->localState()); };
  sources.guard = guardView();
  sources.name = [this](PeerId peer) { return nameView(peer); };
  sources.transparent = transparent_.view();
  sources.notReady = [this] {
    std::vector<std::string> missing;
    if (!transparent_.missing().empty()) missing.push_back("transparent: " + transparent_.missing());
    return missing;
  };
  sources.logLines = log::lines;
  sources.logDropped = log::dropped;
  sources.metricsDetail = config_.metricsDetail;
  sources.limits = [this] { return limits(); };
  sources.memory = &memory_;
  sources.usage = processUsage;
  sources.mayKeep = [this](int fd, size_t connections) {
    constexpr auto kAdmin = net::DescriptorUse::kAdmin;
    return descriptors_.allows(kAdmin, fd) && connections < descriptors_.share(kAdmin);
  };
  return sources;
}

std::vector<stats::OwnLimit> Server::limits() const {
  return {{"downstream_connections", config_.proxy.maxDownstreamConnections},
          {"upstream_connections", config_.proxy.pool.maxConnections},
          {"pending", config_.proxy.pool.maxPending},
          {"descriptors", static_cast<uint64_t>(descriptors_.ceiling(net::DescriptorUse::kClient))},
          {"memory", memory_.bytes()},
          {"api_operations", config_.api.maxOperations},
          {"api_memory", config_.api.memory},
          {"admin_connections", admin::Server::kMaxConnections}};
}

Result<void> Server::startAdmin() {
  admin::Sources sources = adminSources();
  if (!config_.admin.tokenFile.empty()) {
    auto token = admin::readToken(config_.admin.tokenFile);
    if (!token) return Error{"/admin/token_file: " + token.error().message, token.error().code};
    sources.token = std::move(*token);
  }
  admin_ = std::make_unique<admin::Server>(dispatcher_, std::move(sources));
  auto listening = admin_->listen(config_.admin.listen);
  if (!listening) return Error{"admin: " + listening.error().message, listening.error().code};
  if (config_.admin.metricsListen.family() == AF_UNSPEC) return {};
  auto metrics = admin_->listenForMetrics(config_.admin.metricsListen);
  if (!metrics) return Error{"admin: " + metrics.error().message, metrics.error().code};
  return {};
}

admin::GuardView Server::guardView() const {
  admin::GuardView view;
  view.active = guard_ != nullptr;
  if (guard_) view.table = guard_->tableName();
  view.missing = guardMissing_;
  for (const config::GuardRole& role : config::guardRoles(config_))
    view.notGuarded.emplace_back(role.why);
  return view;
}

std::optional<admin::NameView> Server::nameView(PeerId peer) const {
  const dns::NameView* known = names_->view(peer);
  if (known == nullptr) return std::nullopt;
  admin::NameView view;
  view.name = config_.proxy.peers[slot(peer)].address.name();
  view.state = dns::toString(known->state);
  view.answered = known->state != dns::NameRecord::State::kUnknown;
  if (known->addresses) view.addresses = known->addresses->texts();
  view.unused = known->leftOut;
  if (known->status != dns::Status::kOk) {
    view.error = dns::toString(known->status);
    view.details = dns::explain(known->status);
  }
  if (known->goodAt != TimePoint()) view.goodAge = dispatcher_.now() - known->goodAt;
  return view;
}

// On the prober's thread, right after the table was published: first what refuses, then who must know, then the rest.
void Server::onTransition(const health::Transition& transition) {
  const WallTime wall = dispatcher_.wallNow();
  const Settled settled = gates_.settle(transition.peer, transition.at);
  if (guard_) guard_->wake();
  transparent_.wake();
  for (auto& worker : workers_)
    worker->circuitChanged(transition.peer, transition.at);
  // It may have gone elsewhere, whatever the old answer's TTL says.
  if (isLost(transition.to.verdict)) names_->hurry(transition.peer);
  reporter_->report(transition, wall);
  if (settled.failure) reporter_->report(*settled.failure, wall);
}

void Server::onOwing(PeerId peer) {
  for (auto& worker : workers_)
    worker->owingChanged(peer);
}

void Server::onLink(const health::LinkChange& change) {
  for (auto& worker : workers_)
    worker->linkChanged(change.peer);
  reporter_->report(change, dispatcher_.wallNow());
}

// Nothing in the table has changed, but nobody went by it meanwhile.
void Server::onReturned() {
  const TimePoint now = dispatcher_.now();
  const WallTime wall = dispatcher_.wallNow();
  transparent_.wake();
  for (const auto& peer : snapshot_->options.peers) {
    const Settled settled = gates_.settle(peer.id, now);
    for (auto& worker : workers_)
      worker->circuitChanged(peer.id, now);
    if (settled.failure) reporter_->report(*settled.failure, wall);
  }
}

void Server::onDegrading(const health::Degrading& warning) { reporter_->report(warning, dispatcher_.wallNow()); }

void Server::onRungs(const health::RungChange& change) { reporter_->report(change, dispatcher_.wallNow()); }

void Server::onLocalHealth(health::LocalState from, health::LocalState to, const health::LocalEvidence& evidence) {
  if (guard_) guard_->wake();
  reporter_->report(admin::LocalChange{from, to, dispatcher_.now(), evidence}, dispatcher_.wallNow());
}

void Server::onGuard(const guard::GuardChange& change) {
  dispatcher_.post([this, change, wall = dispatcher_.wallNow()] {
    events_.add(change, wall);
    logEvent(stats_, {0, wall, 0, change});
  });
}

void Server::onTableRepaired() {
  dispatcher_.post([this] { logGuardTable(guard_->tableName()); });
}

void Server::onTableFailed(const Error& error) {
  dispatcher_.post([message = error.message] { logGuardTableFailed(message); });
}

// After a pause of the whole process its beat is old as well, and it must have had its turn before it is judged: the main
// loop looks again.
void Server::watchProber() {
  const TimePoint now = dispatcher_.now();
  const bool paused = now - std::exchange(watchedAt_, now) > kPaused;
  const bool stalled = paused ? proberStalled_ : table_.proberStalled(now);
  if (stalled != proberStalled_) {
    proberStalled_ = stalled;
    log::write(log::Level::kError, stalled ? "prober_stalled" : "prober_resumed",
               log::Fields().add("last_beat_ms", toMillis(now - table_.lastBeat())));
  }
  stats_.loop(kProberLoop).lag.observe(prober_->takeLoopLag());
  if (!paused) followGates(now);
  descriptorWatch_.follow();
  if (draining_) noteDrain();
  proberWatch_->enable(kProberWatchInterval);
}

void Server::followGates(TimePoint now) {
  for (const auto& peer : config_.proxy.peers) {
    const Settled settled = gates_.follow(peer.id, now);
    if (settled.failure) logGateFailure(peer.name, peer.listen, *settled.failure, dispatcher_.wallNow());
  }
}

void Server::onSignal(int signal) {
  log::write(log::Level::kInfo, "signal", log::Fields().add("name", signalName(signal)));
  switch (signal) {
    case SIGUSR1: reopenLog(); return;
    case SIGHUP:
      log::write(log::Level::kWarn, "reload_ignored",
                 log::Fields().add("details", "this version cannot reload its configuration; restart it"));
      return;
    case SIGUSR2:
      log::write(log::Level::kInfo, "signal_ignored", log::Fields().add("name", signalName(signal)));
      return;
    default: break;
  }
  if (draining_) {
    dispatcher_.exit();
  } else {
    beginDrain();
  }
}

void Server::reopenLog() {
  const Result<bool> reopened = log::reopen();
  log::Fields fields;
  if (!reopened) {
    log::write(log::Level::kError, "log_reopen_failed", fields.add("error", reopened.error().message));
  } else if (*reopened) {
    log::write(log::Level::kInfo, "log_reopened", fields.add("file", config_.log.file));
  } else {
    log::write(log::Level::kInfo, "log_not_reopened", fields.add("details", "lines go to stdout"));
  }
}

void Server::beginDrain() {
  draining_ = true;
  stats_.draining.set(1);
  // Who ends us before the drain does leaves no time to write it down.
  if (const uint64_t now = inFlight(); now > 0) writeDrain({0, now});
  serviceNotify("STOPPING=1");
  admin_->drain();
  drainTimer_ = dispatcher_.createTimer([this] { onDrainTimer(); });
  drainUntil_ = loopTime_.at(dispatcher_.now()) + config_.drainTimeout;
  drainTimer_->enable(config_.drainTimeout);
  // Before the workers: the connections that the accept queues hand over reach them ahead of the order to drain.
  transparent_.drain();
  for (const GateFailure& failure : gates_.drain(dispatcher_.now())) {
    const auto& peer = config_.proxy.peers[slot(failure.peer)];
    logGateFailure(peer.name, peer.listen, failure, dispatcher_.wallNow());
  }
  if (apiSocket_) {
    if (auto closed = apiSocket_->close(); !closed) {
      log::write(log::Level::kError, "api_listener", log::Fields().add("error", closed.error().message));
    }
  }
  workersDraining_ = workers_.size();
  for (auto& worker : workers_) {
    worker->drain([this] {
      dispatcher_.post([this] {
        if (--workersDraining_ == 0) dispatcher_.exit();
      });
    });
  }
}

void Server::noteDrain() {
  const Duration spent = config_.drainTimeout - (drainUntil_ - loopTime_.at(dispatcher_.now()));
  const double none = inFlight() > 0 ? 1 : 0;  // no time at all: all of it is over for who needs some
  const double share =
      config_.drainTimeout > Duration::zero() ? toSeconds(spent) / toSeconds(config_.drainTimeout) : none;
  stats_.drainSpentPermille.set(static_cast<uint64_t>(std::clamp(share, 0.0, 1.0) * 1000));
}

void Server::readLastDrain() {
  const auto last = drainRecord_.take();
  if (!last) return;
  stats_.lastDrainSpentPermille.set(1000 - last->leftPermille);
  stats_.lastDrainCut.set(last->cut);
  log::write(last->cut > 0 ? log::Level::kWarn : log::Level::kInfo, "last_drain",
             log::Fields().add("left_percent", uint64_t{last->leftPermille / 10}).add("cut", last->cut));
}

// Also of one that a second signal has ended. The workers still run: what is in flight now is what stopAll() ends.
void Server::recordDrain() {
  if (!draining_) return;
  noteDrain();
  writeDrain({static_cast<uint32_t>(1000 - stats_.drainSpentPermille.get()), inFlight()});
}

void Server::writeDrain(const DrainEnd& end) {
  if (auto written = drainRecord_.write(end); !written) {
    log::write(log::Level::kWarn, "drain_record", log::Fields().add("error", written.error().message));
  }
}

uint64_t Server::inFlight() const {
  uint64_t count = 0;
  stats_.forEachPeer([&](PeerId id, const std::string&) { count += stats_.peer(id).inFlight.get(); });
  return count;
}

void Server::onDrainTimer() {
  const Duration left = drainUntil_ - loopTime_.at(dispatcher_.now());
  if (left > Duration::zero()) {
    drainTimer_->enable(left);
    return;
  }
  log::write(log::Level::kWarn, "drain_timeout",
             log::Fields().add("timeout_ms", toMillis(config_.drainTimeout)).add("cut", inFlight()));
  dispatcher_.exit();
}

// The prober goes first: its callbacks post to workers. Its inbox outlives the workers that write to it.
void Server::stopAll() {
  if (names_) names_->stop();
  if (prober_) prober_->stop();
  if (guard_) guard_->stop();
  transparent_.drain();
  if (reporter_) reporter_->drain();
  for (auto& worker : workers_)
    worker->stop();
  transparent_.stop();  // whose connections are all over
  workers_.clear();
  admin_.reset();
  hook_.reset();
  if (hookRunner_) hookRunner_->stop();
  drainTimer_.reset();
  proberWatch_.reset();
  loopWatch_.reset();
  signals_.reset();
}

}  // namespace peerpulse::server
