#include "memory_listener.h"

#include "peerpulse/base/assert.h"

namespace peerpulse::test {

namespace {

constexpr int kAcceptBatch = 64;

bool legal(MemoryListener::State from, MemoryListener::State to) {
  using State = MemoryListener::State;
  return from != State::kDead && from != to;
}

}  // namespace

MemoryListener::MemoryListener(MemoryNetwork& network, HostId host, const SocketAddress& address, size_t backlog)
    : network_(network), host_(host), address_(address), backlog_(backlog) {
  network_.addListener(*this);
}

MemoryListener::~MemoryListener() {
  PP_ASSERT(acceptors_.empty());
  if (state_ != State::kDead) network_.removeListener(*this);
  resetQueue();
}

void MemoryListener::refuse() {
  if (refusing()) return;
  PP_ASSERT(legal(state_, State::kRefusing));
  state_ = State::kRefusing;
  resetQueue();
}

void MemoryListener::listen() {
  if (state_ == State::kListening) return;
  PP_ASSERT(legal(state_, State::kListening));
  state_ = State::kListening;
}

void MemoryListener::resetQueue() {
  while (!queue_.empty()) {
    TcpEnd& end = queue_.front();
    end.unqueue();
    network_.settle(end);
  }
}

void MemoryListener::processEnded(bool resets) {
  PP_ASSERT(legal(state_, State::kDead));
  state_ = State::kDead;
  if (resets) resetQueue();
}

void MemoryListener::enqueue(TcpEnd& end) {
  queue_.pushBack(end);
  wake();
}

void MemoryListener::wake() {
  for (MemoryAcceptor* acceptor : acceptors_)
    acceptor->wake();
}

std::unique_ptr<net::Transport> MemoryListener::accept(VirtualScheduler& scheduler) {
  TcpEnd& end = queue_.front();
  auto transport = std::make_unique<MemoryTransport>(network_, scheduler, end);
  end.accepted(*transport);
  return transport;
}

MemoryAcceptor::MemoryAcceptor(VirtualScheduler& scheduler, MemoryListener& listener, OnAccept onAccept)
    : Source(scheduler), listener_(listener), onAccept_(std::move(onAccept)) {
  listener_.acceptors_.push_back(this);
  watch(net::ready::kRead);
}

MemoryAcceptor::~MemoryAcceptor() { std::erase(listener_.acceptors_, this); }

void MemoryAcceptor::setEnabled(bool enabled) {
  enabled_ = enabled;
  watch(enabled ? net::ready::kRead : 0);
}

uint32_t MemoryAcceptor::holds() const {
  return listener_.queue_.empty() || listener_.network_.stopped(listener_.host_) ? 0 : net::ready::kRead;
}

void MemoryAcceptor::onReady(uint32_t) {
  for (int i = 0; i < kAcceptBatch && !listener_.queue_.empty(); ++i) {
    onAccept_(listener_.accept(scheduler_));
    if (!enabled_) return;
  }
}

}  // namespace peerpulse::test
