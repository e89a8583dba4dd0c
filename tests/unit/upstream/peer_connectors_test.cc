// Goal: a peer without TLS is connected to as the loop does, one with it by a connector for each protocol; and what a reload
// changed holds from the next connection on.
#include "peer_connectors.h"

#include <memory>

#include <doctest/doctest.h>

#include "world.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;

TEST_CASE("peer connectors: plain text goes by the loop's own") {
  World world;
  const PeerOptionsRef options = world.peerOptions();
  PeerConnectors connectors(world.context, options);
  CHECK_FALSE(connectors.secure());
  CHECK(&connectors.of(Protocol::kHttp1) == &world.context.io.connector);
  CHECK(&connectors.of(Protocol::kHttp2) == &world.context.io.connector);
}

TEST_CASE("peer connectors: TLS has one for each protocol, made anew when the options change") {
  World world;
  auto secure = std::make_shared<PeerOptions>(*world.peerOptions());
  secure->tlsContext = std::make_shared<net::TlsContextSlot>(net::TlsContext::client({}).value());
  PeerOptionsRef options = secure;
  PeerConnectors connectors(world.context, options);
  CHECK(connectors.secure());
  net::Connector& http1 = connectors.of(Protocol::kHttp1);
  net::Connector& http2 = connectors.of(Protocol::kHttp2);
  CHECK(&http1 != &http2);
  CHECK(&http1 != &world.context.io.connector);
  CHECK(&connectors.of(Protocol::kHttp1) == &http1);
  options = world.peerOptions();
  CHECK_FALSE(connectors.secure());
  CHECK(&connectors.of(Protocol::kHttp1) == &world.context.io.connector);
}
