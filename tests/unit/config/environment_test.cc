#include <cstdlib>

#include <doctest/doctest.h>

#include "peerpulse/config/config.h"

using namespace peerpulse;
using config::Config;
using config::Environment;

namespace {

constexpr const char* kText = R"({"peers":[
  {"name":"a","listen":"127.0.0.2:1","address":"10.0.0.1:1","circuit":{"failure_threshold":9}},
  {"name":"b","listen":"127.0.0.3:1","address":"10.0.0.2:1"}],
  "timeouts":{"control":{"connect":"7s"}},"retry":{"backoff":"5ms"}})";

Config good(const Environment& environment) {
  Result<Config> result = config::parse(kText, "test.json", environment);
  REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().message));
  return *result;
}

std::string bad(const Environment& environment) {
  const Result<Config> result = config::parse(kText, "test.json", environment);
  REQUIRE_FALSE(result.has_value());
  return result.error().message;
}

}  // namespace

TEST_CASE("variables override the file") {
  const Config c = good({{"RUSTFS_CONNECT_TIMEOUT", "3"},
                         {"RUSTFS_RPC_TIMEOUT", "30"},
                         {"RUSTFS_PEER_TIMEOUT", "3"},
                         {"RUSTFS_TCP_KEEPALIVE", "11"},
                         {"RUSTFS_MAX_RETRIES", "1"},
                         {"RUSTFS_RETRY_BACKOFF_MS", "250"},
                         {"RUSTFS_POOL_IDLE_TIMEOUT", "0.5"},
                         {"RUSTFS_POOL_MAX_IDLE_PER_HOST", "4"},
                         {"RUSTFS_CIRCUIT_BREAKER_THRESHOLD", "5"},
                         {"RUSTFS_CIRCUIT_BREAKER_TIMEOUT", "60"}});
  for (const auto& t : c.proxy.timeouts)
    CHECK(t.connect == seconds(3));
  CHECK(c.proxy.timeouts[0].request == seconds(30));
  CHECK(c.proxy.timeouts[1].request == Duration::zero());
  CHECK(c.proxy.tcp.keepaliveIdle == seconds(11));
  CHECK(c.proxy.retry.maxRetries == 1);
  CHECK(c.proxy.retry.backoff == milliseconds(250));
  CHECK(c.proxy.pool.idleTimeout == milliseconds(500));
  CHECK(c.proxy.pool.maxIdlePerPeer == 4);
  for (const auto& peer : c.proxy.peers) {
    CHECK(peer.probe.failureThreshold == 5);  // also over the peer's own value
    CHECK(peer.probe.openFor == seconds(60));
  }
  CHECK(c.api.peerTimeout == seconds(3));
  CHECK(c.environment.size() == 10);
}

TEST_CASE("a value that makes detection slower than the file asks is said, one that does not is not") {
  CHECK(good({{"RUSTFS_CONNECT_TIMEOUT", "3"}}).warnings.empty());
  CHECK(good({{"RUSTFS_HTTP2_KEEPALIVE_TIMEOUT", "0.05"}}).warnings.empty());
  const Config slow = good({{"RUSTFS_HTTP2_KEEPALIVE_INTERVAL", "5"}, {"RUSTFS_HTTP2_KEEPALIVE_TIMEOUT", "20"}});
  REQUIRE(slow.warnings.size() == 1);
  CHECK(slow.warnings[0].where == "environment RUSTFS_HTTP2_KEEPALIVE_INTERVAL=5, RUSTFS_HTTP2_KEEPALIVE_TIMEOUT=20");
  CHECK(slow.warnings[0].text.find("20015ms of silence, not after 65ms") != std::string::npos);
  CHECK(config::effectiveJson(slow).find("20015ms of silence") != std::string::npos);
}

TEST_CASE("variables by our own name win") {
  const Config c =
      good({{"RUSTFS_MAX_RETRIES", "1"}, {"PEERPULSE_MAX_RETRIES", "2"}, {"PEERPULSE_CONNECT_TIMEOUT", "4"}});
  CHECK(c.proxy.retry.maxRetries == 2);
  CHECK(c.proxy.timeouts[0].connect == seconds(4));
  CHECK(c.sources.at("/retry/max_retries") == "env PEERPULSE_MAX_RETRIES");
  CHECK(c.environment.size() == 2);
}

TEST_CASE("keepalive variables set the probe, and silence is stretched to what can be judged") {
  const Config fine = good({{"RUSTFS_HTTP2_KEEPALIVE_INTERVAL", "0.01"}, {"RUSTFS_HTTP2_KEEPALIVE_TIMEOUT", "0.04"}});
  CHECK(fine.proxy.peers[0].probe.interval == milliseconds(10));
  CHECK(fine.proxy.peers[0].probe.suspectAfter == milliseconds(40));
  const Config rustfs = good({{"RUSTFS_HTTP2_KEEPALIVE_INTERVAL", "5"}, {"RUSTFS_HTTP2_KEEPALIVE_TIMEOUT", "3"}});
  CHECK(rustfs.proxy.peers[1].probe.interval == seconds(5));
  CHECK(rustfs.proxy.peers[1].probe.suspectAfter == seconds(15));
  CHECK(rustfs.sources.at("/probe/suspect_after") == "env RUSTFS_HTTP2_KEEPALIVE_INTERVAL");
}

TEST_CASE("a bad value names the variable") {
  for (const char* value : {"", "x", "-1", "5m", "5s", "1e3", " 5", "99999999999"}) {
    const std::string error = bad({{"RUSTFS_CONNECT_TIMEOUT", value}});
    CHECK_MESSAGE(error.find("environment RUSTFS_CONNECT_TIMEOUT") != std::string::npos, error);
  }
  CHECK(bad({{"RUSTFS_MAX_RETRIES", "1.5"}}).find("RUSTFS_MAX_RETRIES") != std::string::npos);
  CHECK(bad({{"RUSTFS_MAX_RETRIES", "1000"}}).find("from 0 to 100") != std::string::npos);
  CHECK(bad({{"RUSTFS_PEER_TIMEOUT", "soon"}}).find("RUSTFS_PEER_TIMEOUT") != std::string::npos);
  CHECK(bad({{"RUSTFS_TCP_KEEPALIVE", "0.5"}}).find("whole seconds") != std::string::npos);
}

TEST_CASE("other variables of RustFS are none of ours") {
  CHECK(good({{"RUSTFS_VOLUMES", "/data"}}).environment.empty());
}

TEST_CASE("the process's environment is read by prefix") {
  REQUIRE(::setenv("RUSTFS_MAX_RETRIES", "2", 1) == 0);
  REQUIRE(::setenv("NOT_RUSTFS_X", "2", 1) == 0);
  const Environment environment = config::processEnvironment();
  CHECK(environment.at("RUSTFS_MAX_RETRIES") == "2");
  CHECK(environment.count("NOT_RUSTFS_X") == 0);
  ::unsetenv("RUSTFS_MAX_RETRIES");
  ::unsetenv("NOT_RUSTFS_X");
}
