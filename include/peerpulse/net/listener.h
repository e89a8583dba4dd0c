// ListenSocket and Acceptor: one listening socket, accepted from by every worker.
//
// A ListenSocket can refuse: its port stays ours, but connect() gets ECONNREFUSED (RST) until it listens again.
// That is how a peer's listener says "this peer is dead" to storage processes that probe by bare TCP connects.
//   Listening --refuse()--> Refusing --listen()--> Listening
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "peerpulse/base/address.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/base/mutex.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/net/socket.h"

namespace peerpulse::net {

/// Threading: refuse() and listen() from any thread; the descriptor may be used by acceptors on any thread.
class ListenSocket {
 public:
  static Result<std::unique_ptr<ListenSocket>> open(const SocketAddress& address, int backlog = 1024);

  int fd() const { return fd_.get(); }
  const SocketAddress& address() const { return address_; }
  bool refusing() const { return refusing_.load(std::memory_order_acquire); }

  /// Connections still in the accept queue are reset. Already refusing: no-op. Not possible on unix sockets:
  /// the kernel has no way back from it.
  Result<void> refuse();
  /// Already listening: no-op.
  Result<void> listen();

 private:
  ListenSocket(Fd fd, SocketAddress address, int backlog);
  Fd fd_;
  SocketAddress address_;
  int backlog_;
  Mutex mutex_;  // one change at a time
  std::atomic<bool> refusing_{false};
};

/// Accepts on its dispatcher's thread. Several acceptors may share one ListenSocket: who is awake takes the
/// connection. Out of descriptors (EMFILE, ENFILE) or memory: accepting pauses 50 ms and is tried again.
class Acceptor {
 public:
  /// `socket` must outlive this. Starts enabled. `onPause` (optional) is told the errno of each pause.
  Acceptor(event::Dispatcher& dispatcher, ListenSocket& socket, std::function<void(Fd)> onAccept,
           std::function<void(int)> onPause = {});

  /// After the socket listens again, or to stop accepting for good (drain).
  void setEnabled(bool enabled);
  /// Accepts now what is in the queue: those clients connected before the drain began.
  void acceptQueued() { onReadable(); }

 private:
  void onReadable();
  void pause(int error);

  ListenSocket& socket_;
  std::function<void(Fd)> onAccept_;
  std::function<void(int)> onPause_;
  std::unique_ptr<event::FileEvent> event_;
  std::unique_ptr<event::Timer> resumeTimer_;
  bool enabled_ = true;
};

}  // namespace peerpulse::net
