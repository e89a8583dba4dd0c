// Goal: options have their documented defaults, and their words are those of configuration and logs.
#include "peerpulse/upstream/options.h"

#include <string>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::upstream;

TEST_CASE("upstream options: words") {
  CHECK(std::string(toString(TrafficClass::kControl)) == "control");
  CHECK(std::string(toString(TrafficClass::kBulk)) == "bulk");
  CHECK(std::string(toString(TrafficClass::kStream)) == "stream");
  CHECK(std::string(toString(Protocol::kAuto)) == "auto");
  CHECK(std::string(toString(Protocol::kHttp1)) == "http1");
  CHECK(std::string(toString(Protocol::kHttp2)) == "http2");
}

TEST_CASE("upstream options: the defaults of design section 4 and 5") {
  const Options options;
  CHECK(options.pool.idleTimeout == seconds(30));
  CHECK(options.pool.maxIdlePerPeer == 10);
  CHECK(options.retry.maxRetries == 3);
  CHECK(options.retry.backoff == milliseconds(100));
  CHECK(options.retry.budgetPercent == 10);
  CHECK(options.tcp.keepaliveIdle == seconds(10));
  CHECK(options.tcp.keepaliveInterval == seconds(5));
  CHECK(options.tcp.keepaliveProbes == 3);
  CHECK(options.holdFor == milliseconds(100));
  CHECK(options.bufferLimit <= 1024 * 1024);
}

TEST_CASE("upstream options: each class has its own timeouts") {
  Options options;
  options.timeouts = {{{seconds(1), seconds(2), seconds(3), 4}, {seconds(5), seconds(6), seconds(7), 8}, {}}};
  CHECK(options.timeoutsOf(TrafficClass::kControl).request == seconds(2));
  CHECK(options.timeoutsOf(TrafficClass::kBulk).stall == seconds(7));
  CHECK(options.timeoutsOf(TrafficClass::kBulk).minBytesPerSecond == 8);
  CHECK(options.timeoutsOf(TrafficClass::kStream).connect == seconds(2));
}

TEST_CASE("options: a peer's certificate must have the name by which it is called, unless another is wanted") {
  PeerOptions peer;
  peer.address = peerpulse::Endpoint::parse("10.0.0.2:9000").value();
  CHECK(tlsServerName(peer).empty());
  peer.address = peerpulse::Endpoint::parse("node2.example.:9000").value();
  CHECK(tlsServerName(peer) == "node2.example");
  peer.tls.serverName = "other";
  CHECK(tlsServerName(peer) == "other");
}
