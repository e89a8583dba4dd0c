// Goal: echoes to the loopback are answered, each once and to whom it belongs; what is not ours is dropped. Where this
// process may send none (no CAP_NET_RAW, and not in net.ipv4.ping_group_range) the tests have nothing to look at.
#include "icmp_echo.h"

#include <map>
#include <vector>

#include <doctest/doctest.h>

#include "echo_sockets.h"
#include "run_until.h"

namespace peerpulse::probe {
namespace {

SocketAddress at(const char* text) { return SocketAddress::parse(text).value(); }

struct Answers {
  event::Dispatcher dispatcher;
  std::map<uint32_t, std::vector<uint32_t>> sequences;  // by peer
  size_t count = 0;

  std::unique_ptr<IcmpEcho> open(int family, uint64_t token) {
    auto opened = IcmpEcho::open(dispatcher, family, token, 0, [this](uint32_t peer, uint32_t sequence, const auto&) {
      sequences[peer].push_back(sequence);
      ++count;
    });
    if (!opened) {
      MESSAGE("not tested: " << opened.error().message);
      return nullptr;
    }
    return std::move(*opened);
  }
};

TEST_CASE_FIXTURE(Answers, "icmp_echo: every echo is answered to the one who asked, over IPv4 and IPv6") {
  for (const char* host : {"127.0.0.1:9000", "[::1]:9000"}) {
    CAPTURE(host);
    const SocketAddress address = at(host);
    auto echo = open(address.family(), 0x1234);
    if (echo == nullptr) continue;
    sequences.clear();
    count = 0;
    bool sent = true;
    for (uint32_t sequence = 1; sequence <= 100; ++sequence) {
      for (uint32_t peer = 0; peer < 2; ++peer)
        sent = sent && echo->send(address, peer, sequence).has_value();
    }
    if (!sent && address.family() == AF_INET6) continue;  // no IPv6 here
    REQUIRE(sent);
    test::runUntil(dispatcher, [&] { return count == 200; });
    for (uint32_t peer = 0; peer < 2; ++peer) {
      REQUIRE(sequences[peer].size() == 100);
      CHECK(sequences[peer].front() == 1);
      CHECK(sequences[peer].back() == 100);
    }
  }
}

TEST_CASE_FIXTURE(Answers, "icmp_echo: the answers to another process are not ours") {
  auto other = open(AF_INET, 1);
  auto echo = open(AF_INET, 2);
  if (other == nullptr || echo == nullptr) return;
  REQUIRE(other->send(at("127.0.0.1:1"), 7, 1));
  REQUIRE(echo->send(at("127.0.0.1:1"), 8, 2));
  test::runUntil(dispatcher, [&] { return count == 2; });
  CHECK(sequences[7] == std::vector<uint32_t>{1});
  CHECK(sequences[8] == std::vector<uint32_t>{2});
}

TEST_CASE("icmp_echo: an answer counts from the address that was asked only") {
  CHECK(IcmpEcho::sameHost(at("10.0.0.1:1"), at("10.0.0.1:2")));
  CHECK_FALSE(IcmpEcho::sameHost(at("10.0.0.1:1"), at("10.0.0.2:1")));
  CHECK(IcmpEcho::sameHost(at("[fd00::1]:1"), at("[fd00::1]:2")));
  CHECK_FALSE(IcmpEcho::sameHost(at("[fd00::1]:1"), at("[fd00::2]:1")));
  CHECK_FALSE(IcmpEcho::sameHost(at("10.0.0.1:1"), at("[::1]:1")));

  event::Dispatcher dispatcher;
  std::vector<uint32_t> answered;
  EchoSockets sockets(dispatcher, {at("127.0.0.1:1"), at("127.0.0.2:1"), at("unix:/run/x.sock"), SocketAddress()},
                      false, 5, 0, [&](uint32_t slot, uint32_t) { answered.push_back(slot); });
  CHECK(sockets.of(2) == nullptr);
  CHECK(sockets.of(3) == nullptr);
  IcmpEcho* echo = sockets.of(0);
  if (echo == nullptr) {
    CHECK_FALSE(sockets.status());
    return;
  }
  CHECK(sockets.status());
  CHECK(sockets.of(1) == echo);
  REQUIRE(echo->send(at("127.0.0.1:1"), 1, 1));   // in the name of 127.0.0.2
  REQUIRE(echo->send(at("127.0.0.1:1"), 99, 1));  // of nobody
  REQUIRE(echo->send(at("127.0.0.2:1"), 1, 2));
  test::runUntil(dispatcher, [&] { return !answered.empty(); });
  CHECK(answered == std::vector<uint32_t>{1});
}

}  // namespace
}  // namespace peerpulse::probe
