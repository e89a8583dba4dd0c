// Goal: what a fresh connect reports, on real sockets, and its bounds.
#include "fresh_connects.h"

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "peerpulse/net/socket.h"

namespace peerpulse::probe {
namespace {

using health::ConnectPurpose;
using health::ConnectResult;

constexpr Duration kInterval = milliseconds(20);

struct Fixture {
  event::Dispatcher dispatcher;
  std::vector<ConnectResult> results;
  size_t wanted = 0;
  bool timedOut = false;

  void report(const ConnectResult& result) {
    results.push_back(result);
    if (results.size() == wanted) dispatcher.exit();
  }
  void runUntil(size_t count) {
    wanted = count;
    auto timeout = dispatcher.createTimer([this] {
      timedOut = true;
      dispatcher.exit();
    });
    timeout->enable(seconds(10));
    if (results.size() < count) dispatcher.run();
    CHECK_FALSE(timedOut);
  }
};

TEST_CASE_FIXTURE(Fixture, "fresh_connects: a listener answers, a closed port refuses") {
  auto listener = net::createListenSocket(SocketAddress::parse("127.0.0.1:0").value(), 16);
  REQUIRE(listener.has_value());
  const net::AddressOrder addresses(net::localAddress(listener->get()));
  FreshConnects connects(dispatcher, addresses, 1, kInterval,
                         [this](const ConnectResult& r, const SocketAddress&) { report(r); });
  for (int i = 0; i < 4; ++i)
    connects.start(ConnectPurpose::kConfirm);
  runUntil(4);
  for (const ConnectResult& result : results) {
    CHECK(result.error == 0);
    CHECK((result.purpose == ConnectPurpose::kConfirm));
    CHECK(result.elapsed > Duration::zero());
  }
  std::vector<pollfd> open;
  connects.addPollFds(open);
  CHECK(open.empty());

  results.clear();
  listener->reset();
  connects.start(ConnectPurpose::kProbe);
  runUntil(1);
  CHECK(results[0].error == ECONNREFUSED);
}

TEST_CASE_FIXTURE(Fixture, "fresh_connects: an answered one ends in order, one of a fast cadence by a reset") {
  auto listener = net::createListenSocket(SocketAddress::parse("127.0.0.1:0").value(), 16);
  REQUIRE(listener.has_value());
  const net::AddressOrder addresses(net::localAddress(listener->get()));
  for (const Duration interval : {kInterval, Duration(milliseconds(2))}) {
    for (const ConnectPurpose purpose : {ConnectPurpose::kProbe, ConnectPurpose::kConfirm}) {
      results.clear();
      FreshConnects connects(dispatcher, addresses, 1, interval,
                             [this](const ConnectResult& r, const SocketAddress&) { report(r); });
      connects.start(purpose);
      runUntil(1);
      CHECK(results[0].error == 0);
      const bool reset = purpose == ConnectPurpose::kProbe && interval < FreshConnects::kOrderlyInterval;
      const Fd accepted(::accept4(listener->get(), nullptr, nullptr, SOCK_NONBLOCK));
      REQUIRE(accepted.valid());
      char byte = 0;
      const ssize_t n = ::read(accepted.get(), &byte, 1);
      CHECK(n == (reset ? -1 : 0));
      if (reset) CHECK(errno == ECONNRESET);
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "fresh_connects: stopped ones report nothing, and there are never too many") {
  auto listener = net::createListenSocket(SocketAddress::parse("127.0.0.1:0").value(), 128);
  REQUIRE(listener.has_value());
  const net::AddressOrder addresses(net::localAddress(listener->get()));
  FreshConnects connects(dispatcher, addresses, 1, kInterval,
                         [this](const ConnectResult& r, const SocketAddress&) { report(r); });
  for (size_t i = 0; i < FreshConnects::kMax + 10; ++i) {
    const FreshConnects::Started started = connects.start(i == 0 ? ConnectPurpose::kPatient : ConnectPurpose::kProbe);
    CHECK(started.error == 0);
    CHECK(started.dropped.has_value() == (i >= FreshConnects::kMax));
    if (started.dropped) CHECK((started.dropped == ConnectPurpose::kPatient) == (i == FreshConnects::kMax));
  }
  std::vector<pollfd> open;
  connects.addPollFds(open);
  CHECK(open.size() == FreshConnects::kMax);
  connects.stop(ConnectPurpose::kProbe);
  connects.start(ConnectPurpose::kPatient);
  runUntil(1);
  CHECK((results[0].purpose == ConnectPurpose::kPatient));
}

TEST_CASE_FIXTURE(Fixture, "fresh_connects: host checks go to the other port, over IPv4 and IPv6") {
  for (const char* any : {"127.0.0.1:0", "[::1]:0"}) {
    auto peer = net::createListenSocket(SocketAddress::parse(any).value(), 16);
    if (!peer && any[0] == '[') continue;  // no IPv6 here
    REQUIRE(peer.has_value());
    auto other = net::createListenSocket(SocketAddress::parse(any).value(), 16);
    REQUIRE(other.has_value());
    const net::AddressOrder addresses(net::localAddress(peer->get()));
    FreshConnects connects(dispatcher, addresses, net::localAddress(other->get()).port(), kInterval,
                           [this](const ConnectResult& r, const SocketAddress&) { report(r); });
    results.clear();
    peer->reset();
    connects.start(ConnectPurpose::kHostCheck);
    runUntil(1);
    CHECK((results[0].purpose == ConnectPurpose::kHostCheck));
    CHECK(results[0].error == 0);
    other->reset();
    connects.start(ConnectPurpose::kHostCheck);
    runUntil(2);
    CHECK(results[1].error == ECONNREFUSED);
  }
}

TEST_CASE_FIXTURE(Fixture, "fresh_connects: a full accept queue is silent, the host's other port is not") {
  auto listener = net::createListenSocket(SocketAddress::parse("127.0.0.1:0").value(), 1);
  REQUIRE(listener.has_value());
  const net::AddressOrder addresses(net::localAddress(listener->get()));
  FreshConnects connects(dispatcher, addresses, 1, kInterval,
                         [this](const ConnectResult& r, const SocketAddress&) { report(r); });
  for (int i = 0; i < 2; ++i)  // nobody accepts: the queue takes backlog + 1
    connects.start(ConnectPurpose::kProbe);
  runUntil(2);
  connects.start(ConnectPurpose::kConfirm);
  connects.start(ConnectPurpose::kHostCheck);
  runUntil(3);
  CHECK((results[2].purpose == ConnectPurpose::kHostCheck));
  CHECK(results[2].error == ECONNREFUSED);
  std::vector<pollfd> open;
  connects.addPollFds(open);
  CHECK(open.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "fresh_connects: what fails at once is said at once") {
  const net::AddressOrder addresses(SocketAddress::parse("unix:/nonexistent/peerpulse.sock").value());
  FreshConnects connects(dispatcher, addresses, 1, kInterval,
                         [this](const ConnectResult& r, const SocketAddress&) { report(r); });
  CHECK(connects.start(ConnectPurpose::kConfirm).error == ENOENT);
  CHECK(results.empty());
}

TEST_CASE_FIXTURE(Fixture, "fresh_connects: several addresses are asked in turn, and said to have been") {
  auto listener = net::createListenSocket(SocketAddress::parse("127.0.0.2:0").value(), 16);
  REQUIRE(listener.has_value());
  const SocketAddress open = net::localAddress(listener->get());
  const SocketAddress closed = SocketAddress::parse("127.0.0.3:" + std::to_string(open.port())).value();
  net::AddressOrder addresses;
  addresses.set({{open, closed}});
  size_t answered = 0, refused = 0;
  FreshConnects connects(dispatcher, addresses, 1, kInterval,
                         [&](const ConnectResult& r, const SocketAddress& asked) {
                           CHECK(asked == (r.error == 0 ? open : closed));
                           ++(r.error == 0 ? answered : refused);
                           report(r);
                         });
  size_t atOnce = 0;
  for (int i = 0; i < 6; ++i) {
    const FreshConnects::Started started = connects.start(ConnectPurpose::kConfirm);
    if (started.error == 0) continue;
    CHECK(started.error == ECONNREFUSED);
    CHECK(started.asked == closed);
    ++atOnce;
  }
  runUntil(6 - atOnce);
  CHECK(answered == 3);
  CHECK(refused + atOnce == 3);
}

TEST_CASE_FIXTURE(Fixture, "fresh_connects: come from the address they are told to") {
  auto listener = net::createListenSocket(SocketAddress::parse("127.0.0.1:0").value(), 16);
  REQUIRE(listener.has_value());
  const net::AddressOrder addresses(net::localAddress(listener->get()));
  FreshConnects connects(
      dispatcher, addresses, 1, kInterval, [this](const ConnectResult& r, const SocketAddress&) { report(r); }, 0,
      SocketAddress::parse("127.0.0.77:0").value());
  connects.start(ConnectPurpose::kConfirm);
  runUntil(1);
  const Fd accepted(::accept4(listener->get(), nullptr, nullptr, SOCK_NONBLOCK));
  REQUIRE(accepted.valid());
  CHECK(net::remoteAddress(accepted.get()).withPort(0).toString() == "127.0.0.77:0");

  FreshConnects nowhere(
      dispatcher, addresses, 1, kInterval, [this](const ConnectResult& r, const SocketAddress&) { report(r); }, 0,
      SocketAddress::parse("192.0.2.1:0").value());
  CHECK(nowhere.start(ConnectPurpose::kConfirm).error == EADDRNOTAVAIL);
}

}  // namespace
}  // namespace peerpulse::probe
