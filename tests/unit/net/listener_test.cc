// Goal: a refusing listener answers connect() with RST, keeps its port, and comes back; acceptors follow it without
// being told by anybody else. Method: real sockets on loopback, port 0.
#include "peerpulse/net/listener.h"

#include <cerrno>
#include <future>
#include <memory>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>
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

/// Runs what is posted and ready now, and what that makes ready.
void turn(event::Dispatcher& dispatcher) {
  auto end = dispatcher.createTimer([&] { dispatcher.exit(); });
  for (int i = 0; i < 3; ++i) {
    end->enable(Duration::zero());
    dispatcher.run();
  }
}

/// A loop on its own thread that greets whom it accepts with a byte.
class Greeter {
 public:
  explicit Greeter(ListenSocket& socket) {
    std::promise<void> made;
    thread_ = std::thread([this, &socket, &made] {
      Acceptor acceptor(dispatcher_, socket, [](Fd fd) { (void)::send(fd.get(), "!", 1, MSG_NOSIGNAL); });
      made.set_value();
      dispatcher_.run();
    });
    made.get_future().wait();
  }
  ~Greeter() {
    dispatcher_.exit();
    thread_.join();
  }
  /// Returns after the loop has served what it was ready for.
  void waitTurns() {
    for (int i = 0; i < 2; ++i) {
      std::promise<void> turned;
      dispatcher_.post([&] { turned.set_value(); });
      turned.get_future().wait();
    }
  }

 private:
  event::Dispatcher dispatcher_;
  std::thread thread_;
};

/// Whether a new client is accepted and greeted within five seconds.
bool greeted(const SocketAddress& address) {
  Fd client;
  if (connectResult(address, &client) != 0) return false;
  const timeval limit{5, 0};
  REQUIRE(::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
  char byte = 0;
  return ::recv(client.get(), &byte, 1, 0) == 1 && byte == '!';
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
  REQUIRE(connectResult(socket->address(), &second) == 0);
  end->disable();
  dispatcher.run();
  CHECK(accepted.size() == 2);
}

TEST_CASE("acceptors: whoever opens the socket again need not tell them, on any number of loops") {
  auto socket = openLoopback();
  Greeter first(*socket);
  Greeter second(*socket);
  CHECK(greeted(socket->address()));
  for (int round = 0; round < 20; ++round) {
    REQUIRE(socket->refuse());
    CHECK(connectResult(socket->address()) == ECONNREFUSED);
    // In every other round both have noticed; otherwise they may or may not have.
    if (round % 2 == 0) {
      first.waitTurns();
      second.waitTurns();
    }
    REQUIRE(socket->listen());
    CHECK(greeted(socket->address()));
  }
}

TEST_CASE("acceptors: a socket that is opened and shut by two threads is followed to its last state") {
  auto socket = openLoopback();
  Greeter first(*socket);
  Greeter second(*socket);
  for (int round = 0; round < 20; ++round) {
    const auto flap = [&] {
      for (int i = 0; i < 50; ++i)
        CHECK((i % 2 == 0 ? socket->refuse() : socket->listen()));
    };
    std::thread other(flap);
    flap();
    other.join();
    REQUIRE(socket->listen());
    CHECK(greeted(socket->address()));
  }
}

TEST_CASE("acceptor: one that has gone or stopped is not woken by a socket that listens again") {
  auto socket = openLoopback();
  event::Dispatcher dispatcher;
  int accepted = 0;
  auto gone = std::make_unique<Acceptor>(dispatcher, *socket, [&](Fd) { ++accepted; });
  Acceptor stopped(dispatcher, *socket, [&](Fd) { ++accepted; });
  REQUIRE(socket->refuse());
  turn(dispatcher);
  REQUIRE(socket->listen());  // posts to both
  gone.reset();
  stopped.stop();
  Fd client;
  REQUIRE(connectResult(socket->address(), &client) == 0);
  turn(dispatcher);
  CHECK(accepted == 0);
  Acceptor other(dispatcher, *socket, [&](Fd) { ++accepted; });
  turn(dispatcher);
  CHECK(accepted == 1);
}

TEST_CASE("acceptor: a pause ends by itself, and not because the socket listens again") {
  auto socket = openLoopback();
  event::Dispatcher dispatcher;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  int pauses = 0;
  Acceptor acceptor(
      dispatcher, *socket, [](Fd) {}, [&](int) { ++pauses; });
  Fd client;
  REQUIRE(connectResult(socket->address(), &client) == 0);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(client.get());
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  turn(dispatcher);
  CHECK(pauses == 1);
  REQUIRE(socket->refuse());
  REQUIRE(socket->listen());
  turn(dispatcher);
  CHECK(pauses == 1);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("listen socket: closing hands the accept queue to the acceptors in turn, and is final") {
  char directory[] = "/tmp/peerpulse-listener-XXXXXX";
  REQUIRE(::mkdtemp(directory) != nullptr);
  const std::string path = std::string(directory) + "/s";
  for (const std::string& listen : {std::string("127.0.0.1:0"), "unix:" + path}) {
    CAPTURE(listen);
    auto socket = std::move(*ListenSocket::open(*SocketAddress::parse(listen)));
    event::Dispatcher dispatcher;
    int first = 0;
    int second = 0;
    int stopped = 0;
    Acceptor a(dispatcher, *socket, [&](Fd fd) { first += fd.valid() ? 1 : 0; });
    Acceptor b(dispatcher, *socket, [&](Fd fd) { second += fd.valid() ? 1 : 0; });
    Acceptor c(dispatcher, *socket, [&](Fd) { ++stopped; });
    c.stop();
    std::vector<Fd> clients(4);
    for (Fd& client : clients)
      REQUIRE(connectResult(socket->address(), &client) == 0);
    REQUIRE(socket->close());
    REQUIRE(socket->close());  // idempotent
    CHECK(connectResult(socket->address()) == ECONNREFUSED);
    REQUIRE(socket->listen());
    CHECK(socket->state() == ListenSocket::State::kClosed);
    CHECK(connectResult(socket->address()) == ECONNREFUSED);
    turn(dispatcher);
    CHECK(first == 2);
    CHECK(second == 2);
    CHECK(stopped == 0);
  }
  ::unlink(path.c_str());
  ::rmdir(directory);
}

TEST_CASE("listen socket: a connection that is handed over to an acceptor that stops is closed") {
  auto socket = openLoopback();
  event::Dispatcher dispatcher;
  Acceptor acceptor(dispatcher, *socket, [](Fd) { FAIL("stopped"); });
  Fd client;
  REQUIRE(connectResult(socket->address(), &client) == 0);
  REQUIRE(socket->close());
  acceptor.stop();
  turn(dispatcher);
  pollfd poll{client.get(), POLLIN, 0};
  REQUIRE(::poll(&poll, 1, 2'000) == 1);
  char byte;
  CHECK(::recv(client.get(), &byte, 1, 0) == 0);
}

TEST_CASE("listen socket: a unix socket cannot refuse, and says so") {
  char directory[] = "/tmp/peerpulse-listener-XXXXXX";
  REQUIRE(::mkdtemp(directory) != nullptr);
  const std::string path = std::string(directory) + "/s";
  auto socket = std::move(*ListenSocket::open(*SocketAddress::parse("unix:" + path)));
  const auto refused = socket->refuse();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == EOPNOTSUPP);
  CHECK(socket->state() == ListenSocket::State::kListening);
  CHECK(connectResult(socket->address()) == 0);
  ::unlink(path.c_str());
  ::rmdir(directory);
}
