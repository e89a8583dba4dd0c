// ListenSocket and Acceptor: one listening socket, accepted from by every worker.
//
// A ListenSocket can refuse: its port stays ours, but connect() gets ECONNREFUSED (RST) until it listens again.
// That is how a peer's listener says "this peer is dead" to storage processes that probe by bare TCP connects.
//   Listening --refuse()--> Refusing --listen()--> Listening;   either --close()--> Closed
//
// Acceptors follow the socket's state and decide nothing. That it refuses they see at their own accept(); that it
// listens again they are told by the socket, on their own loops. So nobody who opens or shuts a socket needs to know
// who accepts from it:
//   gate (any thread) --listen()--> ListenSocket --onListening()--> Acceptor --post--> its loop: accept again
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/base/mutex.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/net/socket.h"

namespace peerpulse::net {

/// Threading: refuse(), listen() and close() from any thread, one at a time; the descriptor may be used by acceptors
/// on any thread.
class ListenSocket {
 public:
  enum class State : uint8_t { kListening, kRefusing, kClosed };

  /// Who accepts from the socket. Called on the thread that changes the socket, under the socket's lock: post what is
  /// to be done, and call nothing of the socket.
  class Follower {
   public:
    virtual ~Follower() = default;
    virtual void onListening() = 0;
    /// A connection that was in the accept queue when the socket was closed.
    virtual void onHandedOver(Fd connection) = 0;
  };

  static Result<std::unique_ptr<ListenSocket>> open(const SocketAddress& address, int backlog = 1024);

  int fd() const { return fd_.get(); }
  const SocketAddress& address() const { return address_; }
  State state() const { return state_.load(std::memory_order_acquire); }

  /// Connections still in the accept queue are reset. Not listening: no-op. Not possible on unix sockets: the kernel
  /// has no way back from it.
  Result<void> refuse();
  /// Not refusing: no-op. Every follower is told.
  Result<void> listen();
  /// Refuses for good (drain). Connections still in the accept queue, whose clients connected before, are handed over
  /// to the followers in turn. Closed already: no-op.
  Result<void> close();

  /// Any thread; `follower` stays in place until unfollow(), after which no call of it is going on.
  void follow(Follower& follower);
  void unfollow(Follower& follower);

 private:
  ListenSocket(Fd fd, SocketAddress address, int backlog);
  Result<void> shut();
  void handOverQueued() PP_REQUIRES(mutex_);

  Fd fd_;
  SocketAddress address_;
  int backlog_;
  Mutex mutex_;                                  // one change at a time
  std::atomic<State> state_{State::kListening};  // changed with mutex_ held
  std::vector<Follower*> followers_ PP_GUARDED_BY(mutex_);
  size_t nextFollower_ PP_GUARDED_BY(mutex_) = 0;  // whose turn it is to be handed one
};

/// Accepts on its dispatcher's thread. Several acceptors may share one ListenSocket: who is awake takes the
/// connection. Out of descriptors (EMFILE, ENFILE) or memory: accepting pauses 50 ms and is tried again.
///   Accepting --EMFILE--> Paused --50 ms--> Accepting
///   Accepting --EINVAL: the socket refuses--> Refused --it listens--> Accepting;   any --stop()--> Stopped
class Acceptor : private ListenSocket::Follower {
 public:
  /// `socket` must outlive this. Accepts at once. `onPause` (optional) is told the errno of each pause.
  Acceptor(event::Dispatcher& dispatcher, ListenSocket& socket, std::function<void(Fd)> onAccept,
           std::function<void(int)> onPause = {});
  ~Acceptor() override;
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  /// Accepts no more, whatever the socket does (drain). May be called by `onAccept`.
  void stop();

 private:
  enum class State : uint8_t { kAccepting, kPaused, kRefused, kStopped };

  /// What posted functions hold: it outlives the acceptor. `acceptor` is of the dispatcher's thread only; null once
  /// it has gone.
  struct Mailbox {
    Acceptor* acceptor;
  };

  void onListening() override;
  void onHandedOver(Fd connection) override;
  void onReadable();
  void enter(State next);

  event::Dispatcher& dispatcher_;
  ListenSocket& socket_;
  std::function<void(Fd)> onAccept_;
  std::function<void(int)> onPause_;
  std::unique_ptr<event::FileEvent> event_;
  std::unique_ptr<event::Timer> resumeTimer_;
  State state_ = State::kAccepting;
  std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace peerpulse::net
