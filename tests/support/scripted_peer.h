// A peer of tests: a scripted server behind a real listener on loopback.
#pragma once

#include <memory>
#include <utility>

#include <doctest/doctest.h>

#include "peerpulse/net/listener.h"
#include "peerpulse/net/plain_transport.h"
#include "scripted_server.h"

namespace peerpulse::test {

class TestPeer : public ScriptedServer {
 public:
  /// `io` is of the same loop.
  TestPeer(event::Dispatcher& dispatcher, wire::IoContext& io) : ScriptedServer(io) {
    auto socket = net::ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
    REQUIRE(socket);
    listener = std::move(*socket);
    acceptor_ = std::make_unique<net::Acceptor>(dispatcher, *listener, [this, &dispatcher](Fd fd) {
      accept(net::PlainTransport::accepted(dispatcher, std::move(fd)));
    });
  }
  std::unique_ptr<net::ListenSocket> listener;

 private:
  std::unique_ptr<net::Acceptor> acceptor_;
};

}  // namespace peerpulse::test
