// Goal: a literal is known from the start, a name once it leads somewhere; until then a failure says why, and blames no peer.
#include "peer_addresses.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::upstream;

namespace {

AddressSet setOf(const std::string& text) { return {{SocketAddress::parse(text).value()}}; }

}  // namespace

TEST_CASE("peer addresses: a literal is known") {
  const PeerAddresses addresses(Endpoint::parse("10.0.0.2:9000").value());
  CHECK(addresses.state() == PeerAddresses::State::kKnown);
  CHECK(addresses.order().first().toString() == "10.0.0.2:9000");
}

TEST_CASE("peer addresses: a name is awaited, fails, and is known; then it stays so") {
  PeerAddresses addresses(Endpoint::parse("node2.example:9000").value());
  CHECK(addresses.state() == PeerAddresses::State::kAwaited);
  CHECK(addresses.failure().type == ErrorType::kDnsTimeout);
  CHECK(addresses.failure().party == Party::kHost);
  CHECK(addresses.failure().timedOut);
  Failure why;
  why.type = ErrorType::kDnsError;
  why.party = Party::kHost;
  addresses.fail(why);
  CHECK(addresses.state() == PeerAddresses::State::kFailed);
  CHECK(addresses.failure().type == ErrorType::kDnsError);
  CHECK_FALSE(addresses.set(setOf("10.0.0.2:9000")));
  CHECK(addresses.state() == PeerAddresses::State::kKnown);
  addresses.fail(why);
  CHECK(addresses.state() == PeerAddresses::State::kKnown);
  CHECK(addresses.set(setOf("10.0.0.3:9000")));
}
