// Goal: a refusing listener answers connect() with RST, keeps its port, and comes back. Method: real sockets on
// loopback, port 0.
#include "peerpulse/net/listener.h"

#include <cerrno>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <vector>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::net;

namespace {

int connectResult(const SocketAddress& address, Fd* keep = nullptr) {
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int rc = ::connect(fd.get(), address.get(), address.length());
  const int result = rc == 0 ? 0 : errno;
  if (keep != nullptr) *keep = std::move(fd);
  return result;
}

std::unique_ptr<ListenSocket> openLoopback() {
  auto socket = ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
  REQUIRE(socket);
  return std::move(*socket);
}

}  // namespace

TEST_CASE("listen socket: refuse gives ECONNREFUSED, listen takes connections again") {
  auto socket = openLoopback();
  CHECK(connectResult(socket->address()) == 0);
  for (int round = 0; round < 3; ++round) {
    REQUIRE(socket->refuse());
    REQUIRE(socket->refuse());  // idempotent
    CHECK(connectResult(socket->address()) == ECONNREFUSED);
    REQUIRE(socket->listen());
    CHECK(connectResult(socket->address()) == 0);
  }
}

TEST_CASE("listen socket: connections in the accept queue are reset by refuse") {
  auto socket = openLoopback();
  Fd client;
  REQUIRE(connectResult(socket->address(), &client) == 0);
  REQUIRE(socket->refuse());
  pollfd poll{client.get(), POLLIN, 0};
  REQUIRE(::poll(&poll, 1, 2'000) == 1);
  char byte;
  CHECK(::recv(client.get(), &byte, 1, 0) == -1);
  CHECK(errno == ECONNRESET);
}

TEST_CASE("listen socket: the port stays ours while refusing, and an accepted connection does not hinder listen") {
  auto socket = openLoopback();
  Fd client;
  REQUIRE(connectResult(socket->address(), &client) == 0);
  const Fd accepted(::accept(socket->fd(), nullptr, nullptr));
  REQUIRE(accepted.valid());
  REQUIRE(socket->refuse());
  CHECK_FALSE(createListenSocket(socket->address(), 16));  // it sets SO_REUSEADDR, as storage processes do
  REQUIRE(socket->listen());
  CHECK(connectResult(socket->address()) == 0);
}

TEST_CASE("listen socket: a port in use is an error that names the address") {
  auto socket = openLoopback();
  auto second = ListenSocket::open(socket->address());
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find(socket->address().toString()) != std::string::npos);
}

TEST_CASE("acceptor: out of descriptors it pauses, says so, and takes the connection later") {
  auto socket = openLoopback();
  event::Dispatcher dispatcher;
  int pauses = 0;
  int error = 0;
  bool accepted = false;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  Acceptor acceptor(
      dispatcher, *socket,
      [&](Fd) {
        accepted = true;
        dispatcher.exit();
      },
      [&](int e) {
        ++pauses;
        error = e;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
      });
  Fd client;
  REQUIRE(connectResult(socket->address(), &client) == 0);
  // Not even one more descriptor than are open now.
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(client.get());
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  auto guard = dispatcher.createTimer([&] { dispatcher.exit(); });
  guard->enable(seconds(5));
  dispatcher.run();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(accepted);
  CHECK(pauses == 1);
  CHECK(error == EMFILE);
}

TEST_CASE("acceptor: does not spin on a refusing socket, and goes on after listen") {
  auto socket = openLoopback();
  event::Dispatcher dispatcher;
  std::vector<Fd> accepted;
  Acceptor acceptor(dispatcher, *socket, [&](Fd fd) {
    accepted.push_back(std::move(fd));
    dispatcher.exit();
  });
  Fd first, second;
  REQUIRE(connectResult(socket->address(), &first) == 0);
  dispatcher.run();
  REQUIRE(accepted.size() == 1);

  REQUIRE(socket->refuse());
  int turns = 0;
  auto counter = dispatcher.createTimer([] {});
  auto end = dispatcher.createTimer([&] { dispatcher.exit(); });
  std::function<void()> turn = [&] {
    ++turns;
    counter->enable(milliseconds(1));
  };
  counter = dispatcher.createTimer(turn);
  counter->enable(milliseconds(1));
  end->enable(milliseconds(30));
  dispatcher.run();
  CHECK(turns > 0);
  CHECK(turns <= 31);

  REQUIRE(socket->listen());
  acceptor.setEnabled(true);
  REQUIRE(connectResult(socket->address(), &second) == 0);
  end->disable();
  dispatcher.run();
  CHECK(accepted.size() == 2);
}
