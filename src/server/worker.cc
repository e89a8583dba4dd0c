#include "worker.h"

#include <algorithm>
#include <pthread.h>

#include "gate.h"
#include "peerpulse/log/log.h"
#include "peerpulse/net/original_destination.h"

namespace peerpulse::server {

namespace {

constexpr seconds kSweepInterval{1};
constexpr milliseconds kDrainCheckInterval{10};
constexpr milliseconds kLagInterval{50};

}  // namespace

Worker::Worker(uint32_t number, const proxy::SharedState& shared, proxy::SnapshotRef snapshot,
               const std::vector<net::ListenSocket*>& sockets, const SharedApi& api, SharedTransparent transparent,
               const net::DescriptorShares& descriptors, size_t loop, uint32_t mark)
    : number_(number),
      shared_(shared),
      first_(std::move(snapshot)),
      sockets_(sockets),
      sharedApi_(api),
      transparent_(std::move(transparent)),
      descriptors_(descriptors),
      loopStats_(shared.stats.loop(loop)),
      connector_(dispatcher_, &descriptors, mark),
      beat_(dispatcher_.now().time_since_epoch().count()) {}

Worker::~Worker() { stop(); }

void Worker::start() {
  thread_ = std::thread([this] { run(); });
  const std::string name = "pp-worker-" + std::to_string(number_);
  // The name is for people with a debugger; a failure changes nothing.
  (void)pthread_setname_np(thread_.native_handle(), name.c_str());
}

void Worker::run() {
  context_.emplace(dispatcher_, connector_, shared_, first_, number_ + 1);
  for (const proxy::PeerOptions& peer : first_->options.peers) {
    if (guard::carries(peer.mode)) openPort(peer);
  }
  if (sharedApi_.socket != nullptr) openApi();
  openTransparent();
  tick_ = dispatcher_.createTimer([this] { onTick(); });
  tick_->enable(kSweepInterval);
  dispatcher_.measureLag(kLagInterval, [this](Duration lag) { onBeat(lag); });
  dispatcher_.run();
  tick_.reset();
  transparentAcceptors_.clear();
  ports_.clear();
  apiAcceptor_.reset();
  if (api_) api_->abortAll();
  dispatcher_.clearDeferred();  // what the listeners and the API deferred refers to them and to the context
  api_.reset();
  context_.reset();
  dispatcher_.clearDeferred();  // and what the context did, to the loop
}

void Worker::openPort(const proxy::PeerOptions& peer) {
  Port port{std::make_unique<proxy::Listener>(*context_, peer), nullptr};
  net::ListenSocket* const socket = sockets_[slot(peer.id)];
  if (socket == nullptr) {
    ports_.push_back(std::move(port));
    return;
  }
  port.acceptor = std::make_unique<net::Acceptor>(
      dispatcher_, *socket,
      [this, listener = port.listener.get(), tls = peer.tlsDownstreamContext](Fd fd) {
        onAccept(*listener, tls.get(), std::move(fd));
      },
      [this, listener = port.listener.get()](int error) { onAcceptPause(*listener, error); });
  ports_.push_back(std::move(port));
}

void Worker::openApi() {
  // The snapshot's own, and kept with it.
  upstream::PeerSetRef peerSet(context_->snapshot, &context_->snapshot->nodes);
  api_.emplace(fanout::Environment{dispatcher_, context_->io, context_->limits, context_->upstream, context_->peers,
                                   std::move(peerSet), *sharedApi_.options, *sharedApi_.budget, shared_.pseudonym});
  // Who is turned away for want of descriptors is closed at once, as one beyond the limit.
  apiAcceptor_ = std::make_unique<net::Acceptor>(dispatcher_, *sharedApi_.socket, [this](Fd fd) {
    if (!descriptors_.allows(net::DescriptorUse::kClient, fd.get())) return;
    api_->accept(net::PlainTransport::accepted(dispatcher_, std::move(fd)));
  });
}

void Worker::openTransparent() {
  for (net::ListenSocket* socket : transparent_.sockets) {
    transparentAcceptors_.push_back(std::make_unique<net::Acceptor>(
        dispatcher_, *socket, [this](Fd fd) { onTransparent(std::move(fd)); },
        [this](int error) { tellAcceptPause("transparent", error); }));
  }
}

/// Null: it is nobody's.
proxy::Listener* Worker::listenerOf(const SocketAddress& destination) const {
  const auto peer = transparent_.destinations->find(destination);
  if (!peer) return nullptr;
  for (const Port& port : ports_) {
    if (port.listener->peerId() == *peer) return port.listener.get();
  }
  return nullptr;
}

const net::TlsContextSlot* Worker::tlsOf(PeerId peer) const {
  const proxy::PeerOptions* options = first_->find(peer);
  return options != nullptr ? options->tlsDownstreamContext.get() : nullptr;
}

// Whoever is not let in is reset, as by a port that nobody listens on.
void Worker::onTransparent(Fd fd) {
  const auto meant = net::originalDestination(fd.get());
  proxy::Listener* const listener = meant ? listenerOf(*meant) : nullptr;
  if (listener == nullptr) {
    net::setResetOnClose(fd.get());
    turnAwayUnknown(meant);
    return;
  }
  const PeerId peer = listener->peerId();
  const bool stalled = shared_.table.proberStalled(dispatcher_.now());
  if (gateFor(shared_.table.load(peer), stalled, false, listener->onDead()) == Gate::kRefusing) {
    net::setResetOnClose(fd.get());  // it was on its way when the table began to refuse
    return;
  }
  shared_.stats.peer(peer).transparent.connections.add();
  onAccept(*listener, tlsOf(peer), std::move(fd));
}

void Worker::turnAwayUnknown(const Result<SocketAddress>& meant) {
  shared_.stats.transparentUnknown.add();
  if (!unknownTold_.due(dispatcher_.now())) return;
  log::write(
      log::Level::kWarn, "transparent_unknown_destination",
      log::Fields()
          .add("destination", meant ? meant->toString() : "")
          .add("error", meant ? "" : meant.error().message)
          .add("turned_away", shared_.stats.transparentUnknown.get())
          .add("details", "a client that no peer's address led here: it may have called this listener itself"));
}

void Worker::onAccept(proxy::Listener& listener, const net::TlsContextSlot* tls, Fd fd) {
  if (!descriptors_.allows(net::DescriptorUse::kClient, fd.get())) {
    listener.turnAway(proxy::TurnedAway::kDescriptors);
    return;
  }
  std::unique_ptr<net::Transport> plain = net::PlainTransport::accepted(dispatcher_, std::move(fd));
  if (tls == nullptr) {
    listener.accept(std::move(plain));
    return;
  }
  auto secured = net::TlsTransport::server(dispatcher_, std::move(plain), tls->get());
  if (secured) {
    listener.accept(std::move(*secured));
  } else {
    onAcceptPause(listener, secured.error().code);  // no memory for it
  }
}

void Worker::onAcceptPause(proxy::Listener& listener, int error) {
  shared_.stats.peer(listener.peerId()).acceptPauses.add();
  tellAcceptPause(listener.peerName(), error);
}

void Worker::tellAcceptPause(const std::string& of, int error) {
  if (!pauseTold_.due(dispatcher_.now())) return;
  log::write(log::Level::kError, "accept_paused",
             log::Fields().add("peer", of).add("error", systemError("accept", error).message));
}

void Worker::onBeat(Duration lag) {
  loopStats_.lag.observe(lag);
  beat_.store(dispatcher_.now().time_since_epoch().count(), std::memory_order_relaxed);
}

void Worker::onTick() {
  const TimePoint now = dispatcher_.now();
  for (Port& port : ports_)
    port.listener->sweep();
  if (api_) api_->sweep();
  context_->peers.forEach([now](upstream::Peer& peer) { peer.sweep(now); });
  if (onDrained_ && drained()) {
    onDrained_();
    onDrained_ = nullptr;
  }
  tick_->enable(onDrained_ ? Duration(kDrainCheckInterval) : Duration(kSweepInterval));
}

void Worker::circuitChanged(PeerId peer, TimePoint at) {
  dispatcher_.post([this, peer, at] { onCircuitChange(peer, at); });
}

void Worker::onCircuitChange(PeerId id, TimePoint at) {
  upstream::Peer* peer = context_->peers.find(id);
  if (peer == nullptr) return;  // removed meanwhile
  peer->onCircuitChange(at);
  for (Port& port : ports_) {
    if (port.listener->peerId() == id) port.listener->onCircuitChange();
  }
}

void Worker::owingChanged(PeerId peer) {
  dispatcher_.post([this, peer] {
    for (Port& port : ports_) {
      if (port.listener->peerId() == peer) port.listener->onOwingChange();
    }
  });
}

void Worker::addressesChanged(PeerId id, AddressSetRef addresses) {
  dispatcher_.post([this, id, addresses = std::move(addresses)] {
    if (upstream::Peer* peer = context_->peers.find(id)) peer->setAddresses(*addresses);
  });
}

void Worker::addressesFailed(PeerId id, upstream::Failure failure) {
  dispatcher_.post([this, id, failure = std::move(failure)] {
    if (upstream::Peer* peer = context_->peers.find(id)) peer->addressesFailed(failure);
  });
}

void Worker::linkChanged(PeerId id) {
  dispatcher_.post([this, id] {
    if (upstream::Peer* peer = context_->peers.find(id)) peer->onLinkChange();
  });
}

bool Worker::drained() const {
  return context_->io.farewells.empty() &&
         std::all_of(ports_.begin(), ports_.end(), [](const Port& port) { return port.listener->drained(); }) &&
         (!api_ || api_->drained());
}

void Worker::drain(std::function<void()> onDrained) {
  dispatcher_.post([this, onDrained = std::move(onDrained)] {
    onDrained_ = onDrained;
    startDrain();
    tick_->enable(Duration::zero());
  });
}

void Worker::startDrain() {
  for (const auto& acceptor : transparentAcceptors_)
    acceptor->stop();
  for (Port& port : ports_) {
    if (port.acceptor) port.acceptor->stop();
    port.listener->drain();
  }
  if (api_) {
    apiAcceptor_->stop();
    api_->drain();
  }
  context_->peers.forEach([](upstream::Peer& peer) { peer.drain(); });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  dispatcher_.exit();
  thread_.join();
}

}  // namespace peerpulse::server
