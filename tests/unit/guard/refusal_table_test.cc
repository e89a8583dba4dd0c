// Goal: connects are refused by the kernel of this namespace for as long as the table says, and whatever others do to it.
#include "refusal_table.h"

#include <cerrno>

#include <doctest/doctest.h>

#include "own_network.h"

using namespace peerpulse;
using namespace peerpulse::guard;

namespace {

constexpr uint32_t kMark = 0x70;

bool possible() {
  if (noOwnNetwork().empty()) return true;
  MESSAGE(noOwnNetwork());
  return false;
}

RefusalTable made(const std::string& node = "node1") {
  auto table = RefusalTable::make(node, kMark);
  REQUIRE_MESSAGE(table.has_value(), (table ? "" : table.error().message));
  return std::move(*table);
}

bool refuse(RefusalTable& table, const std::vector<SocketAddress>& destinations) {
  const auto renewed = table.refuse(destinations);
  REQUIRE_MESSAGE(renewed.has_value(), (renewed ? "" : renewed.error().message));
  return renewed->repaired;
}

/// The outcome of a connect: 0 or errno.
int outcome(const SocketAddress& to, uint32_t mark = 0) { return connectTo(to, mark).valid() ? 0 : errno; }

}  // namespace

TEST_CASE("a refused destination, and its neighbours") {
  if (!possible()) return;
  RefusalTable table = made();
  const LocalServer dead(addressOf("127.0.0.2:0"));
  const LocalServer otherPort(addressOf("127.0.0.2:0"));
  const LocalServer other(addressOf("127.0.0.3:0"));
  const LocalServer dead6(addressOf("[fd00::2]:0"));
  CHECK(outcome(dead.address()) == 0);
  CHECK_FALSE(refuse(table, {dead.address(), dead6.address()}));
  CHECK(outcome(dead.address()) == ECONNREFUSED);
  CHECK(outcome(dead6.address()) == ECONNREFUSED);
  CHECK(outcome(addressOf("[::ffff:127.0.0.2]:" + std::to_string(dead.address().port()))) == ECONNREFUSED);
  CHECK(outcome(dead.address(), kMark) == 0);
  CHECK(outcome(otherPort.address()) == 0);
  CHECK(outcome(other.address()) == 0);
  CHECK_FALSE(refuse(table, {dead6.address()}));
  CHECK(outcome(dead.address()) == 0);
  CHECK(outcome(dead6.address()) == ECONNREFUSED);
  CHECK_FALSE(refuse(table, {}));
  CHECK(outcome(dead6.address()) == 0);
  REQUIRE(table.remove().has_value());
  CHECK(nft("list tables").empty());
}

TEST_CASE("a connection that lives is not touched") {
  if (!possible()) return;
  RefusalTable table = made();
  const LocalServer dead(addressOf("127.0.0.2:0"));
  const Fd before = connectTo(dead.address());
  const Fd accepted = dead.accept();
  refuse(table, {dead.address()});
  REQUIRE(::send(before.get(), "x", 1, 0) == 1);
  CHECK(readError(accepted) == 0);
}

TEST_CASE("elements die by themselves, and renewing prolongs them") {
  if (!possible()) return;
  RefusalTable table = made();
  const LocalServer dead(addressOf("127.0.0.2:0"));
  refuse(table, {dead.address()});
  const auto expires = [&] {
    const std::string listed = nft("list set inet " + table.name() + " refused4");
    const size_t at = listed.find("expires ");
    REQUIRE_MESSAGE(at != std::string::npos, listed);
    return listed.substr(at + 8, listed.find_first_of(", }", at + 8) - at - 8);
  };
  const auto begin = Clock::now();
  while (expires().starts_with("1s"))  // until it has less than a second left
    REQUIRE(Clock::now() - begin < seconds(5));
  refuse(table, {dead.address()});
  CHECK(expires().starts_with("1s"));
  const auto renewed = Clock::now();
  while (outcome(dead.address()) == ECONNREFUSED)
    REQUIRE(Clock::now() - renewed < seconds(5));
  CHECK(Clock::now() - renewed > seconds(1));  // longer than it had left
}

TEST_CASE("a table that somebody else changed is made anew") {
  if (!possible()) return;
  RefusalTable table = made();
  const LocalServer dead(addressOf("127.0.0.2:0"));
  const std::string name = "inet " + table.name();
  for (const std::string& command :
       {std::string("flush ruleset"), "delete table " + name, "flush table " + name,
        "flush chain " + name + " output",
        "flush chain " + name + " output; delete set " + name + " refused4; delete set " + name +
            " refused6; add rule " + name + " output accept; add rule " + name + " output accept"}) {
    CAPTURE(command);
    CHECK_FALSE(refuse(table, {dead.address()}));
    REQUIRE(nft(command).empty());
    CHECK(outcome(dead.address()) == 0);
    CHECK(refuse(table, {dead.address()}));
    CHECK(outcome(dead.address()) == ECONNREFUSED);
  }
}

TEST_CASE("packets whose mark somebody else changes on their way") {
  if (!possible()) return;
  RefusalTable table = made();
  const LocalServer dead(addressOf("127.0.0.2:0"));
  REQUIRE(nft("add table inet t; add chain inet t o { type route hook output priority -150; }; "
              "add rule inet t o meta mark set 0x1")
              .empty());
  refuse(table, {dead.address()});
  CHECK(outcome(dead.address(), kMark) == 0);
  CHECK(outcome(dead.address()) == ECONNREFUSED);
  REQUIRE(nft("flush chain inet t o; add rule inet t o meta mark set 0x70").empty());
  CHECK(outcome(dead.address()) == ECONNREFUSED);
  REQUIRE(nft("delete table inet t").empty());
}

TEST_CASE("without the right to it the table fails, and works again with it") {
  if (!possible()) return;
  RefusalTable table = made();
  const LocalServer dead(addressOf("127.0.0.2:0"));
  {
    const WithoutNetAdmin without;
    const auto renewed = table.refuse({dead.address()});
    REQUIRE_FALSE(renewed.has_value());
    CHECK(renewed.error().code == EPERM);
  }
  CHECK(outcome(dead.address()) == 0);
  refuse(table, {dead.address()});
  CHECK(outcome(dead.address()) == ECONNREFUSED);
}

TEST_CASE("two processes of one node do not share a table, and its name is free again afterwards") {
  if (!possible()) return;
  const LocalServer dead(addressOf("127.0.0.2:0"));
  {
    RefusalTable first = made("a.b-c");
    RefusalTable second = made("a.b-c");
    CHECK(first.name() == "peerpulse_a.b-c");
    CHECK(second.name() == "peerpulse_a.b-c_2");
    refuse(first, {dead.address()});
    refuse(second, {});
    CHECK(outcome(dead.address()) == ECONNREFUSED);
    refuse(second, {dead.address()});
    refuse(first, {});
    CHECK(outcome(dead.address()) == ECONNREFUSED);
    REQUIRE(second.remove().has_value());
    CHECK(outcome(dead.address()) == 0);
    // `first` ends as a killed process does: its table stays.
  }
  RefusalTable next = made("a.b-c");
  CHECK(next.name() == "peerpulse_a.b-c");
  refuse(next, {dead.address()});
  CHECK(outcome(dead.address()) == ECONNREFUSED);
  REQUIRE(next.remove().has_value());
}

TEST_CASE("as many elements as there can be") {
  if (!possible()) return;
  RefusalTable table = made();
  std::vector<SocketAddress> destinations;
  for (int peer = 0; peer < 1024; ++peer) {
    const bool six = peer % 2 == 1;
    const std::string host = six ? "[fd01::" + std::to_string(peer) + "]:"
                                 : "10.1." + std::to_string(peer / 256) + "." + std::to_string(peer % 256) + ":";
    for (int port = 1; port <= 16; ++port)
      destinations.push_back(addressOf(host + std::to_string(port)));
  }
  const LocalServer last(addressOf("127.0.0.2:0"));
  destinations.push_back(last.address());
  refuse(table, destinations);
  CHECK(outcome(last.address()) == ECONNREFUSED);
  REQUIRE(table.remove().has_value());
}
