// Goal: real sockets of this process end with an error their owner sees, and nobody else's do.
#include "socket_destroyer.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include "own_network.h"
#include "peerpulse/net/socket.h"

using namespace peerpulse;
using namespace peerpulse::guard;

namespace {

constexpr uint32_t kMark = 0x70;

bool possible() {
  if (noOwnNetwork().empty()) return true;
  MESSAGE(noOwnNetwork());
  return false;
}

SocketDestroyer opened() {
  auto destroyer = SocketDestroyer::open(kMark);
  REQUIRE_MESSAGE(destroyer.has_value(), (destroyer ? "" : destroyer.error().message));
  REQUIRE(destroyer->permitted().has_value());
  return std::move(*destroyer);
}

Target targetOf(const LocalServer& server) { return {server.address(), {server.address().port()}, Duration::zero()}; }

/// Whether a socket of this port is in FIN_WAIT2 and has no more than the form of TIME_WAIT.
bool hasRemains(uint16_t port) {
  std::ifstream table("/proc/thread-self/net/tcp");
  std::string line;
  char own[8];
  (void)std::snprintf(own, sizeof own, ":%04X ", port);
  while (std::getline(table, line)) {
    if (line.find(own) != std::string::npos && line.find(" 05 00000000:00000000 03:") != std::string::npos)
      return true;
  }
  return false;
}

}  // namespace

TEST_CASE("connections in both directions end, others and the listening socket do not") {
  if (!possible()) return;
  SocketDestroyer destroyer = opened();
  // We are 127.0.0.1, the dead peer 127.0.0.2, another one 127.0.0.3.
  const LocalServer peer(addressOf("127.0.0.2:0"));
  const LocalServer other(addressOf("127.0.0.3:0"));
  const LocalServer ours(addressOf("127.0.0.1:0"));
  const Fd outbound = connectTo(peer.address(), 0, addressOf("127.0.0.1:0"));
  const Fd bystander = connectTo(other.address(), 0, addressOf("127.0.0.1:0"));
  const Fd remote = connectTo(ours.address(), 0, addressOf("127.0.0.2:0"));
  const Fd inbound = ours.accept();
  const Fd otherRemote = connectTo(ours.address(), 0, addressOf("127.0.0.3:0"));
  const Fd otherInbound = ours.accept();

  const Destruction result =
      destroyer.destroy({addressOf("127.0.0.2:1"), {peer.address().port(), ours.address().port()}, Duration::zero()});
  CHECK(result.destroyed == 2);
  CHECK(result.failed == 0);
  CHECK(readError(outbound) == ECONNABORTED);
  CHECK(readError(inbound) == ECONNABORTED);
  CHECK(readError(bystander) == EAGAIN);
  CHECK(readError(otherInbound) == EAGAIN);
  CHECK(connectTo(ours.address()).valid());
  CHECK(connectTo(peer.address()).valid());
}

TEST_CASE("a port that is not guarded") {
  if (!possible()) return;
  SocketDestroyer destroyer = opened();
  const LocalServer peer(addressOf("127.0.0.2:0"));
  const Fd outbound = connectTo(peer.address());
  const auto another = static_cast<uint16_t>(peer.address().port() + 1);
  CHECK(destroyer.destroy({peer.address(), {another}, Duration::zero()}).destroyed == 0);
  CHECK(readError(outbound) == EAGAIN);
}

TEST_CASE("IPv6, and IPv4 through a socket of IPv6") {
  if (!possible()) return;
  SocketDestroyer destroyer = opened();
  const LocalServer six(addressOf("[fd00::2]:0"));
  const Fd over6 = connectTo(six.address(), 0, addressOf("[fd00::1]:0"));
  REQUIRE(over6.valid());
  CHECK(destroyer.destroy(targetOf(six)).destroyed == 1);
  CHECK(readError(over6) == ECONNABORTED);

  const LocalServer four(addressOf("127.0.0.2:0"));
  const Fd mapped = connectTo(addressOf("[::ffff:127.0.0.2]:" + std::to_string(four.address().port())));
  REQUIRE(mapped.valid());
  CHECK(destroyer.destroy(targetOf(four)).destroyed == 1);
  CHECK(readError(mapped) == ECONNABORTED);
}

TEST_CASE("a server that listens on IPv6 for all: its connections from an IPv4 peer") {
  if (!possible()) return;
  SocketDestroyer destroyer = opened();
  const LocalServer ours(addressOf("[::]:0"));
  const uint16_t port = ours.address().port();
  const Fd remote = connectTo(addressOf("127.0.0.1:" + std::to_string(port)), 0, addressOf("127.0.0.2:0"));
  const Fd inbound = ours.accept();
  CHECK(destroyer.destroy({addressOf("127.0.0.2:1"), {port}, Duration::zero()}).destroyed == 1);
  CHECK(readError(inbound) == ECONNABORTED);
}

TEST_CASE("our own sockets are left alone") {
  if (!possible()) return;
  SocketDestroyer destroyer = opened();
  const LocalServer peer(addressOf("127.0.0.2:0"));
  const Fd marked = connectTo(peer.address(), kMark);
  const Fd plain = connectTo(peer.address(), kMark + 1);
  CHECK(destroyer.destroy(targetOf(peer)).destroyed == 1);
  CHECK(readError(marked) == EAGAIN);
  CHECK(readError(plain) == ECONNABORTED);
}

TEST_CASE("a socket that has just heard the peer is spared") {
  if (!possible()) return;
  SocketDestroyer destroyer = opened();
  const LocalServer peer(addressOf("127.0.0.2:0"));
  const Fd outbound = connectTo(peer.address());
  Target target = targetOf(peer);
  target.heardWithin = seconds(60);
  const Destruction result = destroyer.destroy(target);
  CHECK(result.destroyed == 0);
  CHECK(result.spared == 1);
  CHECK(readError(outbound) == EAGAIN);
}

TEST_CASE("a connection that waits in an accept queue, and an orphan") {
  if (!possible()) return;
  SocketDestroyer destroyer = opened();
  const LocalServer ours(addressOf("127.0.0.1:0"));
  const Fd remote = connectTo(ours.address(), 0, addressOf("127.0.0.2:0"));
  CHECK(destroyer.destroy({addressOf("127.0.0.2:1"), {ours.address().port()}, Duration::zero()}).destroyed == 1);
  CHECK(readError(remote) == ECONNRESET);  // the RST that the kernel sends; to a dead host it goes nowhere
}

TEST_CASE("what a peer may still need, and what nobody waits for") {
  if (!possible()) return;
  SocketDestroyer destroyer = opened();
  const LocalServer ours(addressOf("127.0.0.1:0"));
  const Target dead{addressOf("127.0.0.2:1"), {ours.address().port()}, Duration::zero()};

  SUBCASE("a handshake that it began") {
    const std::string rule = "add table inet t; add chain inet t o { type filter hook output priority 0; }; ";
    REQUIRE(nft(rule + "add rule inet t o ip daddr 127.0.0.2 tcp flags & (syn | ack) == syn | ack drop").empty());
    const Fd remote = startConnect(ours.address(), addressOf("127.0.0.2:0"));
    CHECK(destroyer.destroy(dead).destroyed == 0);
    REQUIRE(nft("delete table inet t").empty());
  }
  SUBCASE("one that was closed long ago, whose FIN never came") {
    const Fd remote = connectTo(ours.address(), 0, addressOf("127.0.0.2:0"));
    Fd inbound = ours.accept();
    // While close() is at work its answer would not be taken.
    REQUIRE(nft("add table inet t; add chain inet t o { type filter hook output priority 0; }; "
                "add rule inet t o ip saddr 127.0.0.2 drop")
                .empty());
    inbound.reset();
    REQUIRE(nft("delete table inet t").empty());
    const auto closed = Clock::now();
    while (!hasRemains(ours.address().port()))
      REQUIRE(Clock::now() - closed < seconds(5));
    const Destruction done = destroyer.destroy(dead);
    CHECK(done.destroyed == 0);
    CHECK(done.failed == 0);
  }
  SUBCASE("TIME_WAIT") {
    Fd remote = connectTo(ours.address(), 0, addressOf("127.0.0.2:0"));
    ours.accept().reset();
    remote.reset();
    const Destruction done = destroyer.destroy(dead);
    CHECK(done.destroyed == 0);
    CHECK(done.failed == 0);
  }
}

TEST_CASE("a connect that waits for its answer ends") {
  if (!possible()) return;
  SocketDestroyer destroyer = opened();
  const LocalServer peer(addressOf("127.0.0.2:0"));
  REQUIRE(nft("add table inet t; add chain inet t o { type filter hook output priority 0; }; "
              "add rule inet t o ip daddr 127.0.0.2 tcp flags & (syn | ack) == syn drop")
              .empty());
  const Fd connecting = startConnect(peer.address(), addressOf("127.0.0.1:0"));
  CHECK(net::connectError(connecting.get()) == 0);
  CHECK(destroyer.destroy(targetOf(peer)).destroyed == 1);
  CHECK(net::connectError(connecting.get()) == ECONNABORTED);
  REQUIRE(nft("delete table inet t").empty());
}

TEST_CASE("many ports, of which one is the socket's") {
  if (!possible()) return;
  SocketDestroyer destroyer = opened();
  const LocalServer peer(addressOf("[fd00::2]:0"));
  std::vector<uint16_t> ports;
  for (uint16_t port = 1; port < 16; ++port)
    ports.push_back(port);
  ports.push_back(peer.address().port());
  const Fd outbound = connectTo(peer.address(), 0, addressOf("[fd00::1]:0"));
  CHECK(destroyer.destroy({peer.address(), ports, Duration::zero()}).destroyed == 1);
  CHECK(readError(outbound) == ECONNABORTED);
}

TEST_CASE("without the right to it nothing is destroyed, and that is said") {
  if (!possible()) return;
  SocketDestroyer destroyer = opened();
  const LocalServer peer(addressOf("127.0.0.2:0"));
  const Fd outbound = connectTo(peer.address());
  {
    const WithoutNetAdmin without;
    const auto permitted = destroyer.permitted();
    REQUIRE_FALSE(permitted.has_value());
    CHECK(permitted.error().code == EPERM);
    const Destruction done = destroyer.destroy(targetOf(peer));
    CHECK(done.destroyed == 0);
    CHECK(done.failed > 0);
    CHECK(done.error == EPERM);
  }
  CHECK(readError(outbound) == EAGAIN);
}

TEST_CASE("a thousand in one go") {
  if (!possible()) return;
  SocketDestroyer destroyer = opened();
  const LocalServer peer(addressOf("127.0.0.2:0"));
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  std::vector<Fd> fds;
  for (int i = 0; i < 1000; ++i) {
    fds.push_back(connectTo(peer.address()));
    REQUIRE(fds.back().valid());
  }
  const auto begin = Clock::now();
  const Destruction result = destroyer.destroy(targetOf(peer));
  MESSAGE("1,000 sockets: " << toMillis(Clock::now() - begin) << " ms");
  CHECK(result.destroyed == 1000);
  CHECK(result.failed == 0);
  for (const Fd& fd : fds)
    CHECK(readError(fd) == ECONNABORTED);
}
