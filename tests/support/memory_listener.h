// MemoryListener and MemoryAcceptor: a listening socket in a MemoryNetwork and who accepts from it, as net::ListenSocket
// and net::Acceptor are of a real one.
//
//   Listening --refuse()--> Refusing --listen()--> Listening       each --kill, power cut--> Dead
//
// Threading: one thread. Ownership: acceptors die before their listener, the listener before the network. A listener
//   that dies resets what is in its queue.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "memory_network.h"
#include "memory_transport.h"
#include "peerpulse/base/address.h"
#include "peerpulse/base/linked_list.h"
#include "virtual_scheduler.h"

namespace peerpulse::test {

class MemoryAcceptor;

class MemoryListener {
 public:
  enum class State : uint8_t { kListening, kRefusing, kDead };

  static constexpr size_t kBacklog = 1024;

  /// The address's port must be free on that host.
  MemoryListener(MemoryNetwork& network, HostId host, const SocketAddress& address, size_t backlog = kBacklog);
  ~MemoryListener();
  MemoryListener(const MemoryListener&) = delete;
  MemoryListener& operator=(const MemoryListener&) = delete;

  State state() const { return state_; }
  bool refusing() const { return state_ == State::kRefusing; }
  const SocketAddress& address() const { return address_; }
  HostId host() const { return host_; }
  /// Connections that nobody accepted yet.
  size_t queued() const { return queue_.size(); }

  /// One more than so many may wait; SYNs beyond are dropped.
  void setBacklog(size_t backlog) { backlog_ = backlog; }

  /// Connections in the queue are reset, connects get RST. Already refusing: no-op.
  void refuse();
  void listen();

  // For the network.
  bool full() const { return queue_.size() > backlog_; }
  void enqueue(TcpEnd& end);
  void wake();
  /// kill: `resets` is what a living kernel does to those in the queue.
  void processEnded(bool resets);

 private:
  friend class MemoryAcceptor;
  void resetQueue();
  std::unique_ptr<net::Transport> accept(VirtualScheduler& scheduler);

  MemoryNetwork& network_;
  HostId host_;
  SocketAddress address_;
  size_t backlog_;
  State state_ = State::kListening;
  LinkedList<TcpEnd, AcceptTag> queue_;
  std::vector<MemoryAcceptor*> acceptors_;
};

/// Accepts on its scheduler, up to 64 connections a turn. Several may share a listener: who has its turn first takes
/// what is there.
class MemoryAcceptor final : VirtualScheduler::Source {
 public:
  using OnAccept = std::function<void(std::unique_ptr<net::Transport>)>;
  /// Starts enabled.
  MemoryAcceptor(VirtualScheduler& scheduler, MemoryListener& listener, OnAccept onAccept);
  ~MemoryAcceptor() override;

  void setEnabled(bool enabled);
  /// Accepts now what is in the queue.
  void acceptQueued() { onReady(0); }

 private:
  friend class MemoryListener;
  uint32_t holds() const override;
  void onReady(uint32_t events) override;

  MemoryListener& listener_;
  OnAccept onAccept_;
  bool enabled_ = true;
};

}  // namespace peerpulse::test
