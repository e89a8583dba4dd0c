// Goal: an address leads to the peer that has it, however it is written, and to no other.
#include "peerpulse/transparent/destinations.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::transparent;

namespace {

SocketAddress at(const char* text) { return SocketAddress::parse(text).value(); }

}  // namespace

TEST_CASE("two peers of one host, a neighbour, and IPv6") {
  Destinations destinations;
  CHECK(destinations.empty());
  destinations.add(at("10.0.0.2:9000"), PeerId{0});
  destinations.add(at("10.0.0.2:9001"), PeerId{1});
  destinations.add(at("[fd00::2]:9000"), PeerId{2});
  destinations.add(at("[::ffff:10.0.0.3]:9000"), PeerId{3});
  CHECK_FALSE(destinations.empty());
  CHECK(destinations.find(at("10.0.0.2:9000")) == PeerId{0});
  CHECK(destinations.find(at("[::ffff:10.0.0.2]:9001")) == PeerId{1});
  CHECK(destinations.find(at("[fd00::2]:9000")) == PeerId{2});
  CHECK(destinations.find(at("10.0.0.3:9000")) == PeerId{3});
  CHECK_FALSE(destinations.find(at("10.0.0.2:9002")).has_value());
  CHECK_FALSE(destinations.find(at("10.0.0.4:9000")).has_value());
  CHECK_FALSE(destinations.find(at("127.0.0.1:9000")).has_value());
  CHECK_FALSE(destinations.find(at("unix:/run/node2")).has_value());
  CHECK_FALSE(destinations.find(SocketAddress()).has_value());
}

TEST_CASE("who came first keeps it") {
  Destinations destinations;
  destinations.add(at("10.0.0.2:9000"), PeerId{0});
  destinations.add(at("[::ffff:10.0.0.2]:9000"), PeerId{1});
  CHECK(destinations.find(at("10.0.0.2:9000")) == PeerId{0});
}
