#include "own_host.h"

#include <algorithm>
#include <utility>

#include "gate.h"

namespace peerpulse::sim {

namespace {

constexpr Duration kTick = seconds(1);
constexpr Duration kDrainTick = milliseconds(10);

}  // namespace

SimWorker::SimWorker(test::VirtualTime& time, test::MemoryNetwork& network, test::HostId host,
                     const proxy::SharedState& shared, const proxy::SnapshotRef& snapshot,
                     const std::vector<std::unique_ptr<test::MemoryListener>>& sockets, SharedApi* api,
                     uint32_t number)
    : loop_(time), connector_(network, host, loop_) {
  context_.emplace(loop_, connector_, shared, snapshot, number + 1);
  for (const proxy::PeerOptions& peer : snapshot->options.peers) {
    listeners_.push_back(std::make_unique<proxy::Listener>(*context_, peer));
    proxy::Listener* listener = listeners_.back().get();
    acceptors_.push_back(std::make_unique<test::MemoryAcceptor>(
        loop_, *sockets[slot(peer.id)],
        [listener](std::unique_ptr<net::Transport> transport) { listener->accept(std::move(transport)); }));
  }
  if (api != nullptr) {
    upstream::PeerSetRef peerSet(context_->snapshot, &context_->snapshot->peers);
    api_.emplace(fanout::Environment{loop_, context_->io, context_->limits, context_->upstream, context_->peers,
                                     std::move(peerSet), api->options, api->budget, "peerpulse-sim"});
    apiAcceptor_ = std::make_unique<test::MemoryAcceptor>(
        loop_, api->socket,
        [this](std::unique_ptr<net::Transport> transport) { api_->accept(std::move(transport)); });
  }
  tick_ = loop_.createTimer([this] { onTick(); });
  tick_->enable(kTick);
}

SimWorker::~SimWorker() {
  tick_.reset();
  acceptors_.clear();
  listeners_.clear();
  apiAcceptor_.reset();
  if (api_) api_->abortAll();
  loop_.clearDeferred();
  api_.reset();
  context_.reset();
  loop_.clearDeferred();
}

void SimWorker::onTick() {
  const TimePoint now = loop_.now();
  for (const auto& listener : listeners_)
    listener->sweep();
  if (api_) api_->sweep();
  context_->peers.forEach([now](upstream::Peer& peer) { peer.sweep(now); });
  tick_->enable(draining_ ? kDrainTick : kTick);
}

void SimWorker::circuitChanged(PeerId peer, TimePoint at) {
  loop_.post([this, peer, at] {
    upstream::Peer* target = context_->peers.find(peer);
    if (target == nullptr) return;
    target->onCircuitChange(at);
    listeners_[slot(peer)]->onCircuitChange();
  });
}

void SimWorker::acceptQueued() {
  for (const auto& acceptor : acceptors_)
    acceptor->acceptQueued();
  if (apiAcceptor_) apiAcceptor_->acceptQueued();
}

void SimWorker::abortOperations() {
  loop_.post([this] { api_->abortAll(); });
}

void SimWorker::drain() {
  loop_.post([this] {
    draining_ = true;
    for (size_t i = 0; i < listeners_.size(); ++i) {
      acceptors_[i]->setEnabled(false);
      listeners_[i]->drain();
    }
    if (api_) {
      apiAcceptor_->setEnabled(false);
      api_->drain();
    }
    context_->peers.forEach([](upstream::Peer& peer) { peer.drain(); });
    tick_->enable(Duration::zero());
  });
}

OwnHost::OwnHost(test::VirtualTime& time, test::MemoryNetwork& network, test::HostId host,
                 const proxy::SharedState& shared, const proxy::ProxyOptions& options, const FanoutSetup& fanout,
                 uint32_t workers)
    : shared_(shared),
      host_(host),
      main_(time),
      snapshot_(std::make_shared<const proxy::Snapshot>(1, options)),
      followTimer_(main_.createTimer([this] { follow(); })) {
  for (const proxy::PeerOptions& peer : options.peers)
    sockets_.push_back(std::make_unique<test::MemoryListener>(network, host, peer.listen));
  if (fanout.on) api_ = std::make_unique<SharedApi>(network, host, fanout.options);
  for (uint32_t i = 0; i < workers; ++i)
    workers_.push_back(std::make_unique<SimWorker>(time, network, host, shared, snapshot_, sockets_, api_.get(), i));
  followTimer_->enable(kFollow);
}

void OwnHost::circuitChanged(PeerId peer, TimePoint at) {
  settleGate(slot(peer));
  for (const auto& worker : workers_)
    worker->circuitChanged(peer, at);
}

// True if it changed.
bool OwnHost::settleGate(uint32_t peer) {
  const health::CircuitWord word = shared_.table.load(PeerId{peer});
  const bool stalled = shared_.table.proberStalled(main_.now());
  const server::Gate gate = server::gateFor(word, stalled, draining_, options().peers[peer].onDead);
  const bool refuses = gate == server::Gate::kRefusing;
  if (refuses == sockets_[peer]->refusing()) return false;
  if (refuses) {
    sockets_[peer]->refuse();
  } else {
    sockets_[peer]->listen();
  }
  return true;
}

void OwnHost::follow() {
  for (uint32_t i = 0; i < sockets_.size(); ++i)
    settleGate(i);
  followTimer_->enable(kFollow);
}

void OwnHost::proberReturned() {
  for (uint32_t i = 0; i < sockets_.size(); ++i)
    circuitChanged(PeerId{i}, main_.now());
}

void OwnHost::abortOperations() {
  for (const auto& worker : workers_)
    worker->abortOperations();
}

bool OwnHost::operationsOver() const {
  return std::all_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->operationsOver(); });
}

void OwnHost::drain() {
  draining_ = true;
  // As net::ListenSocket::close() does: who is in the queue already is served.
  workers_.front()->acceptQueued();
  for (const auto& worker : workers_)
    worker->drain();
  follow();
}

void OwnHost::block(TimePoint until) {
  main_.block(until);
  for (const auto& worker : workers_)
    worker->loop().block(until);
}

}  // namespace peerpulse::sim
