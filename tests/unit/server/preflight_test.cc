// Goal: what this host does not give is said before the start, with its pointer and what to do; what it gives is not complained of.
#include "preflight.h"

#include <cstdlib>
#include <fstream>
#include <unistd.h>

#include <doctest/doctest.h>

#include "peerpulse/net/listener.h"

using namespace peerpulse;
using namespace peerpulse::server;

namespace {

SocketAddress address(const std::string& text) {
  const auto parsed = SocketAddress::parse(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

config::Config good() {
  config::Config config;
  config.admin.listen = address("127.0.0.1:0");
  config.proxy.peers.resize(1);
  config.proxy.peers[0].listen = address("127.0.0.12:0");
  config.proxy.peers[0].id = PeerId{0};
  return config;
}

const Finding& only(const std::vector<Finding>& findings) {
  REQUIRE(findings.size() == 1);
  return findings[0];
}

}  // namespace

TEST_CASE("preflight: nothing to complain of") { CHECK(preflight(good()).empty()); }

TEST_CASE("preflight: an address that is not ours, and a directory that is not there") {
  config::Config config = good();
  config.proxy.peers[0].listen = address("203.0.113.7:9000");  // TEST-NET-3: nobody has it
  const auto foreign = preflight(config);
  CHECK(only(foreign).fatal);
  CHECK(only(foreign).pointer == "/peers/0/listen");
  CHECK(only(foreign).text.find("ip route add local") != std::string::npos);
  config = good();
  config.admin.listen = address("unix:/nonexistent/peerpulse.sock");
  const auto missing = preflight(config);
  CHECK(only(missing).fatal);
  CHECK(only(missing).pointer == "/admin/listen");
  CHECK(only(missing).text.find("/nonexistent") != std::string::npos);
}

TEST_CASE("preflight: a port in use is a note, and the one who uses it notices nothing") {
  auto socket = net::ListenSocket::open(address("127.0.0.1:0"));
  REQUIRE(socket.has_value());
  config::Config config = good();
  config.admin.metricsListen = (*socket)->address();
  const auto findings = preflight(config);
  CHECK_FALSE(only(findings).fatal);
  CHECK(only(findings).pointer == "/admin/metrics_listen");
  config = good();
  config.transparent.listen = (*socket)->address();
  CHECK(only(preflight(config)).pointer == "/transparent/listen");
}

TEST_CASE("preflight: a log that cannot be written, and nothing is made by asking") {
  config::Config config = good();
  config.log.file = "/nonexistent/log";
  const auto missing = preflight(config);
  CHECK(only(missing).fatal);
  CHECK(only(missing).pointer == "/log/file");
  config.log.file = "/tmp";
  CHECK(only(preflight(config)).fatal);
  config.log.file = "/tmp/peerpulse-preflight-" + std::to_string(::getpid());
  CHECK(preflight(config).empty());
  CHECK(::access(config.log.file.c_str(), F_OK) != 0);
}

TEST_CASE("preflight: a record of drains that cannot be written") {
  config::Config config = good();
  config.drainRecord = "/nonexistent/drain";
  const auto missing = preflight(config);
  CHECK(only(missing).fatal);
  CHECK(only(missing).pointer == "/drain_record");
}

TEST_CASE("preflight: a token that is none") {
  config::Config config = good();
  config.admin.tokenFile = "/nonexistent/token";
  CHECK(only(preflight(config)).pointer == "/admin/token_file");
}
