// Goal: both ends of a connection have the options that carrying needs, whoever opened it. What a transport does with its
// socket is in connection_test.cc and, call by call, in tests/unit/support/kernel_test.cc.
#include "peerpulse/net/plain_transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include "peerpulse/net/listener.h"

using namespace peerpulse;
using namespace peerpulse::net;

namespace {

int option(const Transport& transport, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  REQUIRE(::getsockopt(transport.fd(), level, name, &value, &length) == 0);
  return value;
}

}  // namespace

TEST_CASE("plain transport: small writes wait for no ACK, and a vanished peer is found, on both sides") {
  event::Dispatcher loop;
  auto listener = ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
  REQUIRE(listener);
  std::unique_ptr<Transport> served;
  Acceptor acceptor(loop, **listener, [&](Fd fd) {
    served = PlainTransport::accepted(loop, std::move(fd));
    loop.exit();
  });
  PlainConnector connector(loop);
  auto opened = connector.connect((*listener)->address(), SocketOptions());
  REQUIRE(opened);
  loop.run();
  REQUIRE(served != nullptr);
  for (const Transport* side : {served.get(), opened->get()}) {
    CHECK(option(*side, IPPROTO_TCP, TCP_NODELAY) != 0);
    CHECK(option(*side, SOL_SOCKET, SO_KEEPALIVE) != 0);
  }
}

TEST_CASE("plain transport: a unix socket has none of these options and is carried all the same") {
  event::Dispatcher loop;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  Fd other(ends[1]);
  const auto served = PlainTransport::accepted(loop, Fd(ends[0]));
  iovec hello{const_cast<char*>("hello"), 5};
  CHECK(served->write(&hello, 1).bytes == 5);
}
