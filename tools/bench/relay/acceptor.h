// Acceptor: a listening socket on an EpollLoop. It does not bear being unable to accept: a bench without all of its
// connections would measure something else.
//
// Threading: the loop's thread.
#pragma once

#include <functional>
#include <memory>

#include "epoll_loop.h"
#include "peerpulse/base/address.h"

namespace peerpulse::bench {

class Acceptor : private EventHandler {
 public:
  /// `onAccept` gets each connection, non-blocking and with TCP_NODELAY.
  static Result<std::unique_ptr<Acceptor>> open(EpollLoop& loop, const SocketAddress& address,
                                                std::function<void(Fd)> onAccept);

  /// With the port that the system chose.
  SocketAddress address() const;

 private:
  Acceptor(EpollLoop& loop, Fd socket, std::function<void(Fd)> onAccept)
      : loop_(loop), socket_(std::move(socket)), onAccept_(std::move(onAccept)) {}
  void onEvents(uint32_t events) override;

  EpollLoop& loop_;
  Fd socket_;
  std::function<void(Fd)> onAccept_;
};

}  // namespace peerpulse::bench
