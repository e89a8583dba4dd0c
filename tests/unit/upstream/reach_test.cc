// Goal: a peer is reached by its own address or by its link, as the mode and the table say; what DNS says of the own address is
// remembered meanwhile, and disturbs nobody who goes by the link.
#include "reach.h"

#include <memory>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::upstream;

namespace {

SocketAddress at(const std::string& text) { return SocketAddress::parse(text).value(); }

PeerOptionsRef peerAt(const std::string& address, LinkMode mode) {
  PeerOptions options;
  options.address = Endpoint::parse(address).value();
  options.source = at("10.0.0.1:0");
  options.link.mode = mode;
  options.link.address = at("10.0.0.2:9443");
  return std::make_shared<const PeerOptions>(options);
}

std::string first(const Reach& reach) { return reach.addresses().order().first().toString(); }

}  // namespace

TEST_CASE("reach: without a link it is the peer as configured, whatever the table says") {
  const PeerOptionsRef peer = peerAt("10.0.0.2:9000", LinkMode::kOff);
  for (const bool direct : {false, true}) {
    const Reach reach(peer, direct);
    CHECK(reach.options() == peer);
    CHECK(first(reach) == "10.0.0.2:9000");
  }
}

TEST_CASE("reach: by the link, from the same source; by the own address only where that is allowed") {
  for (const LinkMode mode : {LinkMode::kPrefer, LinkMode::kRequire}) {
    CAPTURE(toString(mode));
    const PeerOptionsRef peer = peerAt("10.0.0.2:9000", mode);
    Reach reach(peer, false);
    CHECK(first(reach) == "10.0.0.2:9443");
    CHECK(reach.options()->protocol == Protocol::kHttp2);
    CHECK(reach.options()->tunnelsByHttp1);
    CHECK(reach.options()->source == at("10.0.0.1:0"));
    CHECK_FALSE(reach.choose(peer, false));
    const bool falls = mode == LinkMode::kPrefer;
    CHECK(reach.choose(peer, true) == falls);
    CHECK(first(reach) == (falls ? "10.0.0.2:9000" : "10.0.0.2:9443"));
    CHECK(reach.choose(peer, false) == falls);
    CHECK(first(reach) == "10.0.0.2:9443");
  }
}

TEST_CASE("reach: what a name leads to is remembered while the link is the way") {
  const PeerOptionsRef peer = peerAt("node2.example:9000", LinkMode::kPrefer);
  Reach reach(peer, false);
  CHECK_FALSE(reach.setAddresses({{at("10.0.0.2:9000")}}));
  CHECK_FALSE(reach.setAddresses({{at("10.0.0.7:9000")}}));  // one has gone, but nobody goes there
  CHECK(first(reach) == "10.0.0.2:9443");
  CHECK(reach.choose(peer, true));
  CHECK(first(reach) == "10.0.0.7:9000");
  CHECK(reach.setAddresses({{at("10.0.0.8:9000")}}));
  CHECK(first(reach) == "10.0.0.8:9000");
  CHECK(reach.choose(peer, false));
  CHECK(reach.choose(peer, true));
  CHECK(first(reach) == "10.0.0.8:9000");
}

TEST_CASE("reach: a name that leads nowhere fails only those who go there") {
  const PeerOptionsRef peer = peerAt("node2.example:9000", LinkMode::kPrefer);
  Reach reach(peer, false);
  Failure why;
  why.type = ErrorType::kDnsError;
  reach.addressesFailed(why);
  CHECK(reach.addresses().state() == PeerAddresses::State::kKnown);
  reach.choose(peer, true);
  CHECK(reach.addresses().state() == PeerAddresses::State::kFailed);
  CHECK(reach.addresses().failure().type == ErrorType::kDnsError);
}

TEST_CASE("reach: a reload moves it only if the way in use leads elsewhere") {
  Reach reach(peerAt("10.0.0.2:9000", LinkMode::kPrefer), false);
  CHECK_FALSE(reach.choose(peerAt("10.0.0.3:9000", LinkMode::kPrefer), false));
  CHECK(reach.choose(peerAt("10.0.0.3:9000", LinkMode::kOff), false));
  CHECK(first(reach) == "10.0.0.3:9000");
  CHECK(reach.choose(peerAt("10.0.0.4:9000", LinkMode::kOff), false));
  CHECK(first(reach) == "10.0.0.4:9000");
}
