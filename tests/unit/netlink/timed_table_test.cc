// Goal: a table does what its layout says, moves destinations between its sets without a gap, and goes with its owner.
#include "peerpulse/netlink/timed_table.h"

#include <cerrno>

#include <doctest/doctest.h>

#include "own_network.h"

using namespace peerpulse;
using namespace peerpulse::netlink;

namespace {

bool possible() {
  if (noOwnNetwork().empty()) return true;
  MESSAGE(noOwnNetwork());
  return false;
}

Layout refusing(bool owned) {
  OutputChain chain{"refuse", "filter", -110, {}};
  for (const char* set : {"a4", "b4"})
    chain.rules.push_back(Rule().opensConnection().to(AF_INET, set).reset());
  return {.owned = owned, .sets = {"a", "b"}, .chains = {chain}};
}

Result<TimedTable> make(std::vector<Layout> layouts) {
  auto socket = NetlinkSocket::open(NETLINK_NETFILTER);
  REQUIRE(socket.has_value());
  return TimedTable::make(std::move(*socket), "peerpulse_unit_table", std::move(layouts));
}

TimedTable made(std::vector<Layout> layouts) {
  auto table = make(std::move(layouts));
  REQUIRE_MESSAGE(table.has_value(), (table ? "" : table.error().message));
  return std::move(*table);
}

bool set(TimedTable& table, const std::vector<SocketAddress>& a, const std::vector<SocketAddress>& b) {
  const auto renewed = table.set({a, b});
  REQUIRE_MESSAGE(renewed.has_value(), (renewed ? "" : renewed.error().message));
  return renewed->repaired;
}

int outcome(const SocketAddress& to) { return connectTo(to).valid() ? 0 : errno; }

}  // namespace

TEST_CASE("each set is exactly what was asked for last") {
  if (!possible()) return;
  TimedTable table = made({refusing(false)});
  const LocalServer first(addressOf("127.0.0.2:0"));
  const LocalServer second(addressOf("127.0.0.3:0"));
  set(table, {first.address()}, {second.address()});
  CHECK(outcome(first.address()) == ECONNREFUSED);
  CHECK(outcome(second.address()) == ECONNREFUSED);
  set(table, {}, {first.address()});
  CHECK(outcome(first.address()) == ECONNREFUSED);
  CHECK(outcome(second.address()) == 0);
  set(table, {}, {});
  CHECK(outcome(first.address()) == 0);
  REQUIRE(table.remove().has_value());
  CHECK(nft("list tables").empty());
}

TEST_CASE("an owned table is nobody else's, and goes with its owner") {
  if (!possible()) return;
  const LocalServer server(addressOf("127.0.0.2:0"));
  {
    TimedTable table = made({refusing(true)});
    set(table, {server.address()}, {});
    CHECK(nft("flush ruleset").empty());
    CHECK(nft("delete table inet " + table.name()).starts_with("error: "));
    CHECK(outcome(server.address()) == ECONNREFUSED);
    CHECK_FALSE(set(table, {server.address()}, {}));
  }
  CHECK(nft("list tables").empty());
  CHECK(outcome(server.address()) == 0);
}

TEST_CASE("the first layout that the kernel takes") {
  if (!possible()) return;
  Layout impossible = refusing(true);
  impossible.chains[0].type = "nonesuch";
  TimedTable table = made({impossible, refusing(false)});
  CHECK(nft("list table inet " + table.name()).find("owner") == std::string::npos);
  REQUIRE(table.remove().has_value());
  const auto none = make({impossible});
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == ENOENT);
  CHECK(none.error().message.find("refuse of table peerpulse_unit_table") != std::string::npos);
}
