// Goal: a MemoryTransport tells what a real socket tells: bytes, ends and errors, in the same order.
// Method: each script does the same to two real sockets on loopback (PlainTransport) and to two in memory, and notes
// every result; the notes must be the same.
#include <cerrno>
#include <cstring>
#include <functional>
#include <poll.h>
#include <string>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include "memory_listener.h"
#include "memory_network.h"
#include "memory_transport.h"
#include "peerpulse/net/plain_transport.h"

using namespace peerpulse;
using namespace peerpulse::test;

namespace {

std::string nameOf(int error) {
  switch (error) {
    case 0: return "0";
    case ECONNRESET: return "ECONNRESET";
    case ECONNREFUSED: return "ECONNREFUSED";
    case EPIPE: return "EPIPE";
    case ENOTCONN: return "ENOTCONN";
    default: return std::strerror(error);
  }
}

/// Two ends of an established connection.
class Stage {
 public:
  virtual ~Stage() = default;
  /// Until that end is readable, at its end or broken.
  virtual void untilReadable(net::Transport& end) = 0;
  /// Until that end is told of a break (RST).
  virtual void untilBroken(net::Transport& end) = 0;

  void read(net::Transport& end) {
    char bytes[64];
    const iovec entry{bytes, sizeof bytes};
    const net::IoResult result = end.read(&entry, 1);
    note("read", result, std::string(bytes, result.bytes));
  }
  void write(net::Transport& end, std::string text) {
    const iovec entry{text.data(), text.size()};
    const net::IoResult result = end.write(&entry, 1);
    note("write", result, std::to_string(result.bytes));
  }
  void shutdownWrite(net::Transport& end) {
    const auto result = end.shutdownWrite();
    note("shutdown", result ? "0" : nameOf(result.error().code));
  }
  void readableNow(net::Transport& end) { note("readable", end.readableNow() ? "yes" : "no"); }
  void note(const std::string& what, const std::string& result) { notes += what + ":" + result + " "; }

  std::unique_ptr<net::Transport> a, b;
  std::string notes;

 private:
  void note(const std::string& what, const net::IoResult& result, const std::string& moved) {
    using Status = net::IoResult::Status;
    switch (result.status) {
      case Status::kOk: note(what, moved); break;
      case Status::kAgain: note(what, "again"); break;
      case Status::kEnd: note(what, "end"); break;
      case Status::kError: note(what, nameOf(result.error)); break;
    }
  }
};

class RealStage final : public Stage {
 public:
  RealStage() {
    auto listener = net::createListenSocket(*SocketAddress::parse("127.0.0.1:0"), 8);
    REQUIRE(listener);
    auto client = net::createStreamSocket(net::localAddress(listener->get()));
    REQUIRE(client);
    REQUIRE(net::startConnect(client->get(), net::localAddress(listener->get())));
    waitFor(listener->get(), POLLIN);
    Fd server(::accept4(listener->get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    REQUIRE(server.valid());
    waitFor(client->get(), POLLOUT);
    a = std::make_unique<net::PlainTransport>(dispatcher_, std::move(*client));
    b = std::make_unique<net::PlainTransport>(dispatcher_, std::move(server));
  }
  void untilReadable(net::Transport& end) override { waitFor(end.fd(), POLLIN); }
  void untilBroken(net::Transport& end) override { waitFor(end.fd(), 0); }

 private:
  static void waitFor(int fd, short events) {
    pollfd entry{fd, events, 0};
    REQUIRE(::poll(&entry, 1, 10'000) == 1);
  }
  event::Dispatcher dispatcher_;
};

class MemoryStage final : public Stage {
 public:
  MemoryStage() {
    const auto address = *SocketAddress::parse("10.0.0.2:80");
    network_.setPaths(one_, two_, {.delay = milliseconds(1)});
    MemoryListener listener(network_, two_, address);
    MemoryAcceptor acceptor(loop_, listener,
                            [this](std::unique_ptr<net::Transport> accepted) { b = std::move(accepted); });
    MemoryConnector connector(network_, one_, loop_);
    auto connecting = connector.connect(address, {});
    REQUIRE(connecting);
    a = std::move(*connecting);
    time_.runFor(milliseconds(5));
    REQUIRE(b != nullptr);
    REQUIRE(a->connectResult() == 0);
  }
  ~MemoryStage() override {
    a.reset();
    b.reset();
  }
  void untilReadable(net::Transport&) override { time_.runFor(milliseconds(5)); }
  void untilBroken(net::Transport&) override { time_.runFor(milliseconds(5)); }

 private:
  VirtualTime time_;
  MemoryNetwork network_{time_};
  HostId one_ = network_.addHost("10.0.0.1");
  HostId two_ = network_.addHost("10.0.0.2");
  VirtualScheduler loop_{time_};
};

void check(const std::function<void(Stage&)>& script, const std::string& expected) {
  RealStage real;
  script(real);
  CHECK(real.notes == expected);
  MemoryStage memory;
  script(memory);
  CHECK(memory.notes == expected);
}

}  // namespace

TEST_CASE("kernel: what was received before a reset is read, then the reset, then the end") {
  check(
      [](Stage& s) {
        s.write(*s.b, "hello");
        s.b->close(true);
        s.untilBroken(*s.a);
        s.read(*s.a);
        s.read(*s.a);
        s.read(*s.a);
        s.write(*s.a, "x");
        s.shutdownWrite(*s.a);
      },
      "write:5 read:hello read:ECONNRESET read:end write:EPIPE shutdown:ENOTCONN ");
}

TEST_CASE("kernel: a write after a reset is told of it, and reading then knows only an end") {
  check(
      [](Stage& s) {
        s.write(*s.b, "hello");
        s.b->close(true);
        s.untilBroken(*s.a);
        s.write(*s.a, "x");
        s.write(*s.a, "x");
        s.read(*s.a);
        s.read(*s.a);
      },
      "write:5 write:ECONNRESET write:EPIPE read:hello read:end ");
}

TEST_CASE("kernel: looking at a reset connection leaves the error to be read") {
  check(
      [](Stage& s) {
        s.b->close(true);
        s.untilBroken(*s.a);
        s.readableNow(*s.a);
        s.readableNow(*s.a);
        s.read(*s.a);
      },
      "readable:yes readable:yes read:ECONNRESET ");
}

TEST_CASE("kernel: half-close, both ways in turn") {
  check(
      [](Stage& s) {
        s.readableNow(*s.a);
        s.read(*s.a);
        s.write(*s.b, "last");
        s.shutdownWrite(*s.b);
        s.shutdownWrite(*s.b);
        s.write(*s.b, "more");
        s.untilReadable(*s.a);
        s.read(*s.a);
        s.untilReadable(*s.a);
        s.read(*s.a);
        s.read(*s.a);
        s.readableNow(*s.a);
        s.write(*s.a, "answer");
        s.untilReadable(*s.b);
        s.read(*s.b);
        s.shutdownWrite(*s.a);
        s.untilBroken(*s.b);  // both directions have ended: a hang-up
        s.read(*s.b);
      },
      "readable:no read:again write:4 shutdown:0 shutdown:0 write:EPIPE read:last read:end read:end readable:yes "
      "write:6 read:answer shutdown:0 read:end ");
}

TEST_CASE("kernel: closing with bytes unread resets") {
  check(
      [](Stage& s) {
        s.write(*s.a, "unread");
        s.untilReadable(*s.b);
        s.b->close(false);
        s.untilBroken(*s.a);
        s.read(*s.a);
      },
      "write:6 read:ECONNRESET ");
}

TEST_CASE("kernel: what is sent to a closed socket is answered by a reset, which a sender sees as a broken pipe") {
  check(
      [](Stage& s) {
        s.write(*s.b, "bye");
        s.b->close(false);
        s.untilReadable(*s.a);
        s.write(*s.a, "late");
        s.untilBroken(*s.a);
        s.write(*s.a, "later");
        s.read(*s.a);
        s.read(*s.a);
      },
      "write:3 write:4 write:EPIPE read:bye read:end ");
}

TEST_CASE("kernel: a reset after the end is no news to a reader") {
  check(
      [](Stage& s) {
        s.shutdownWrite(*s.b);
        s.untilReadable(*s.a);
        s.b->close(true);
        s.untilBroken(*s.a);
        s.read(*s.a);
        s.readableNow(*s.a);
        s.write(*s.a, "x");
        s.write(*s.a, "x");
      },
      "shutdown:0 read:end readable:yes write:EPIPE write:EPIPE ");
}

TEST_CASE("kernel: a refused connect is told once") {
  const auto told = [](net::Transport& transport) {
    const int first = transport.connectResult();
    return nameOf(first) + " " + nameOf(transport.connectResult());
  };
  std::string real;
  {
    event::Dispatcher dispatcher;
    auto listener = net::createListenSocket(*SocketAddress::parse("127.0.0.1:0"), 8);
    REQUIRE(listener);
    const SocketAddress nobody = net::localAddress(listener->get());
    listener->reset();
    net::PlainConnector connector(dispatcher);
    auto transport = connector.connect(nobody, {});
    if (transport) {
      pollfd entry{(*transport)->fd(), POLLOUT, 0};
      REQUIRE(::poll(&entry, 1, 10'000) == 1);
      real = told(**transport);
    }
  }
  VirtualTime time;
  MemoryNetwork network(time);
  VirtualScheduler loop(time);
  network.addHost("10.0.0.2");
  MemoryConnector connector(network, network.addHost("10.0.0.1"), loop);
  auto transport = connector.connect(*SocketAddress::parse("10.0.0.2:80"), {});
  REQUIRE(transport);
  time.runFor(milliseconds(1));
  CHECK(told(**transport) == "ECONNREFUSED 0");
  CHECK(real == "ECONNREFUSED 0");
}
