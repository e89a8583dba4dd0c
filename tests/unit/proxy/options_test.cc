// Goal: the proxy's options have their documented defaults, and their words are those of configuration and logs.
#include "peerpulse/proxy/options.h"

#include <string>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::proxy;

TEST_CASE("proxy options: words") {
  CHECK(std::string(toString(Preset::kGeneric)) == "generic");
  CHECK(std::string(toString(Preset::kRustfs)) == "rustfs");
  CHECK(std::string(toString(Preset::kMinio)) == "minio");
  CHECK(std::string(toString(Preset::kSwift)) == "swift");
  CHECK(std::string(toString(OnDead::kRespond)) == "respond");
  CHECK(std::string(toString(OnDead::kRefuse)) == "refuse");
}

TEST_CASE("proxy options: defaults") {
  const ProxyOptions options;
  CHECK(options.accessLog.mode == AccessLogOptions::Mode::kAll);
  CHECK(options.downstreamIdleTimeout == seconds(60));
  CHECK(options.headerTimeout == seconds(5));
  CHECK(options.maxDownstreamConnections == 10'000);
  CHECK(options.maxConcurrentStreams == 256);
  CHECK(PeerOptions().onDead == OnDead::kRespond);
  CHECK(Route().trafficClass == upstream::TrafficClass::kControl);
}
