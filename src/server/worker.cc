#include "worker.h"

#include <algorithm>
#include <pthread.h>

namespace peerpulse::server {

namespace {

constexpr seconds kSweepInterval{1};
constexpr milliseconds kDrainCheckInterval{10};
constexpr milliseconds kLagInterval{50};

}  // namespace

Worker::Worker(uint32_t number, const proxy::SharedState& shared, const std::vector<net::ListenSocket*>& sockets,
               size_t loop)
    : number_(number), shared_(shared), sockets_(sockets), loopStats_(shared.stats.loop(loop)) {}

Worker::~Worker() { stop(); }

void Worker::start() {
  thread_ = std::thread([this] { run(); });
  const std::string name = "pp-worker-" + std::to_string(number_);
  // The name is for people with a debugger; a failure changes nothing.
  (void)pthread_setname_np(thread_.native_handle(), name.c_str());
}

void Worker::run() {
  context_.emplace(dispatcher_, shared_, number_ + 1);
  for (const proxy::PeerOptions& peer : shared_.options.peers) {
    peers_.push_back(std::make_unique<proxy::PeerProxy>(*context_, peer, *sockets_[index(peer.id)]));
  }
  tick_ = dispatcher_.createTimer([this] { onTick(); });
  tick_->enable(kSweepInterval);
  dispatcher_.measureLag(kLagInterval, [this](Duration lag) { loopStats_.lag.observe(lag); });
  dispatcher_.run();
  tick_.reset();
  peers_.clear();
  dispatcher_.clearDeferred();  // what the proxies deferred refers to the context
  context_.reset();
}

void Worker::onTick() {
  const TimePoint now = dispatcher_.now();
  for (auto& peer : peers_)
    peer->sweep(now);
  if (onDrained_ && drained()) {
    onDrained_();
    onDrained_ = nullptr;
  }
  tick_->enable(onDrained_ ? Duration(kDrainCheckInterval) : Duration(kSweepInterval));
}

void Worker::circuitChanged(PeerId peer, TimePoint at) {
  dispatcher_.post([this, peer, at] { peers_[index(peer)]->onCircuitChange(at); });
}

bool Worker::drained() const {
  return std::all_of(peers_.begin(), peers_.end(), [](const auto& peer) { return peer->drained(); });
}

void Worker::drain(std::function<void()> onDrained) {
  dispatcher_.post([this, onDrained = std::move(onDrained)] {
    for (auto& peer : peers_)
      peer->drain();
    onDrained_ = onDrained;
    tick_->enable(Duration::zero());
  });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  dispatcher_.exit();
  thread_.join();
}

}  // namespace peerpulse::server
