#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "fixture.h"
#include "peerpulse/health/probe_mode.h"
#include "peerpulse/transparent/plan.h"

using namespace peerpulse;
using namespace peerpulse::admin::test;
using health::CircuitState;
using health::Reason;
using health::Verdict;
using Json = nlohmann::json;

TEST_CASE("livez answers while the process runs") {
  Fixture f;
  const Answer a = f.get("/livez");
  CHECK(a.status == 200);
  CHECK(Json::parse(a.body)["status"] == "ok");
  CHECK(a.head.find("content-type: application/json") != std::string::npos);
}

TEST_CASE("readyz waits for every listener and every first verdict") {
  Fixture f;
  Answer a = f.get("/readyz");
  CHECK(a.status == 503);
  CHECK(Json::parse(a.body)["missing"].size() == 3);
  f.setAllAlive();
  f.setNotReady({"listener of node3 is not bound"});
  a = f.get("/readyz");
  CHECK(a.status == 503);
  CHECK(Json::parse(a.body)["missing"] == Json::array({"listener of node3 is not bound"}));
  f.setNotReady({});
  f.publish(1, Verdict::kDead, CircuitState::kOpen, Reason::kProbeSilence);  // a verdict all the same
  a = f.get("/readyz");
  CHECK(a.status == 200);
  CHECK(Json::parse(a.body)["status"] == "ready");
}

TEST_CASE("peers tell their latency by class, and what auto is") {
  Fixture f;
  f.setAllAlive();
  CHECK(Json::parse(f.get("/peers/node3").body)["timing"] == Json::object());
  auto& latency = f.stats.peer(PeerId{1}).latency[1];
  const auto answer = [&](int times) {
    for (int i = 0; i < times; ++i)
      latency.answered(milliseconds(200), TimePoint(seconds(1)), seconds(60));
  };
  answer(49);
  Json timing = Json::parse(f.get("/peers/node3").body)["timing"];
  REQUIRE(timing.size() == 1);
  CHECK(timing["bulk"]["samples"] == 49);
  CHECK(timing["bulk"]["p99_ms"] >= 200);
  CHECK(timing["bulk"]["timeout_ms"].is_null());
  CHECK(timing["bulk"]["hedge_ms"].is_null());
  answer(1);
  timing = Json::parse(f.get("/peers/node3").body)["timing"];
  CHECK(timing["bulk"]["timeout_ms"] == 3 * timing["bulk"]["p99_ms"].get<double>());
  CHECK(timing["bulk"]["hedge_ms"] == timing["bulk"]["p50_ms"]);
}

TEST_CASE("peers tell what TLS has done where it is spoken, and when certificates expire") {
  Fixture f;
  const Json none = Json::parse(f.get("/peers/node2").body)["tls"];
  CHECK(none["upstream"].is_null());
  CHECK(none["downstream"].is_null());
  CHECK(none["expires"]["peer"].is_null());
  stats::PeerStats& stats = f.stats.peer(PeerId{1});
  stats.tlsUpstream.enabled.set(1);
  stats.tlsUpstream.shookHands(false, false);
  stats.tlsUpstream.shookHands(true, true);
  stats.tlsUpstream.ended(codeOf(TlsFailure::kCertificate));
  stats.tlsUpstream.ended(ECONNRESET);  // not TLS's doing
  stats.probe.certificateNotAfter.set(1'800'000'000);
  stats.certificates.listener.set(1'800'000'001);
  const Json tls = Json::parse(f.get("/peers/node3").body)["tls"];
  CHECK(tls["upstream"]["handshakes"] == Json{{"full", 1}, {"resumed", 1}});
  CHECK(tls["upstream"]["ktls_connections"] == 1);
  CHECK(tls["upstream"]["failures"] == Json{{"certificate", 1}});
  CHECK(tls["downstream"].is_null());
  CHECK(tls["expires"]["peer"] == "2027-01-15T08:00:00.000000Z");
  CHECK(tls["expires"]["client"].is_null());
  CHECK(tls["expires"]["listener"] == "2027-01-15T08:00:01.000000Z");
}

TEST_CASE("peers tell verdict, circuit and counters") {
  Fixture f;
  f.setAllAlive();
  f.publish(1, Verdict::kDead, CircuitState::kOpen, Reason::kProbeSilence);
  auto& s = f.stats.peer(PeerId{1});
  s.fastFailuresTotal.add(12);
  s.connectionsIdle.set(4);
  s.probe.pings.sent.add(600);
  s.probe.pings.lost.add(2);
  s.probe.echoes.sent.add(400);
  s.probe.echoes.acked.add(399);
  s.probe.mode.set(static_cast<uint64_t>(health::ProbeMode::kL4));
  s.probe.hostMeans.set(static_cast<uint64_t>(health::HostMeans::kEcho));
  s.probe.processMeans.set(static_cast<uint64_t>(health::ProcessMeans::kRequest));
  s.probe.rttP99Micros.set(321);
  s.probe.scoreMillis.set(873);
  f.circuits.stampHeard(PeerId{1}, Clock::now() - seconds(2));
  const Json all = Json::parse(f.get("/peers").body);
  CHECK(all["node"] == "node1");
  CHECK(all["local_health"] == "ok");
  REQUIRE(all["peers"].size() == 3);
  const Json peer = all["peers"][1];
  CHECK(peer["name"] == "node3");
  CHECK(peer["address"] == "10.0.0.3:9000");
  CHECK(peer["zone"] == "dc1");
  CHECK(peer["verdict"] == "dead");
  CHECK(peer["circuit"] == "open");
  CHECK(peer["reason"] == "probe_silence");
  CHECK(peer["overridden"] == false);
  CHECK(peer["fast_failures_total"] == 12);
  CHECK(peer["connections"]["idle"] == 4);
  CHECK(peer["probe"]["sent"] == 1000);
  CHECK(peer["probe"]["acked"] == 399);
  CHECK(peer["probe"]["lost"] == 2);
  CHECK(peer["probe"]["mode"] == "l4");
  CHECK(peer["probe"]["host"] == "icmp");
  CHECK(peer["probe"]["process"] == "request");
  CHECK(peer["probe"]["kinds"]["icmp"] == Json{{"sent", 400}, {"acked", 399}, {"lost", 0}});
  CHECK(peer["probe"]["kinds"].size() == 4);
  CHECK(peer["rtt_us"]["p99"] == 321);
  CHECK(peer["last_heard_ms"] >= 2000);
  CHECK(peer["last_heard_ms"] < 60'000);
  CHECK(all["peers"][0]["last_heard_ms"].is_null());
  CHECK(peer["process_silent_ms"] >= 2000);
  CHECK(all["peers"][0]["process_silent_ms"].is_null());
  CHECK(peer["score"] == 0.873);
  CHECK(all["peers"][0]["score"] == 0.0);

  Json alone = Json::parse(f.get("/peers/node3").body);
  Json among = Json::parse(f.get("/peers").body)["peers"][1];
  for (const char* age : {"last_heard_ms", "process_silent_ms"}) {  // time went on between the two
    alone.erase(age);
    among.erase(age);
  }
  CHECK(alone == among);
  CHECK(f.get("/peers/node9").status == 404);
  CHECK(f.get("/peers/").status == 404);
}

TEST_CASE("the time of the last transition is shown") {
  Fixture f;
  f.addEvent(2, Verdict::kAlive, Verdict::kDead);
  CHECK(Json::parse(f.get("/peers/node4").body)["since"] == "2027-01-15T08:00:00.000000Z");
}

TEST_CASE("a prober that stopped is told") {
  Fixture f;
  f.circuits.beat(Clock::now() - seconds(5));
  CHECK(Json::parse(f.get("/peers").body)["local_health"] == "prober_stalled");
}

TEST_CASE("the state of this host is told, here and in the metrics") {
  Fixture f;
  f.setLocalHealth("suspect");
  CHECK(Json::parse(f.get("/peers").body)["local_health"] == "suspect");
  std::string metrics = f.get("/metrics").body;
  CHECK(metrics.find("peerpulse_local_health{state=\"suspect\"} 1\n") != std::string::npos);
  for (const char* state : {"ok", "lagging", "link_down", "prober_stalled"}) {
    CHECK(metrics.find("peerpulse_local_health{state=\"" + std::string(state) + "\"} 0\n") != std::string::npos);
  }
  f.circuits.beat(Clock::now() - seconds(5));
  metrics = f.get("/metrics").body;
  CHECK(metrics.find("peerpulse_local_health{state=\"prober_stalled\"} 1\n") != std::string::npos);
}

TEST_CASE("cluster counts each zone's quorum, too") {
  Fixture f;
  f.setAllAlive();
  f.publish(1, Verdict::kDead, CircuitState::kOpen, Reason::kProbeSilence);
  // This node is in the other room, by itself.
  CHECK(
      Json::parse(f.get("/cluster").body)["zones"] ==
      Json::parse(
          R"([{"zone":"","size":1,"quorum":1,"tolerable_failures":0,"online":1,"offline":[],"status":"ok"},)"
          R"({"zone":"dc1","size":3,"quorum":2,"tolerable_failures":1,"online":2,"offline":["node3"],"status":"degraded"}])"));
  f.publish(2, Verdict::kDead, CircuitState::kOpen, Reason::kProbeSilence);
  const Json cluster = Json::parse(f.get("/cluster").body);
  CHECK(cluster["zones"][1]["status"] == "quorum_lost");
  CHECK(cluster["zones"][1]["offline"] == Json::parse(R"(["node3","node4"])"));
  CHECK(cluster["zones"][0]["status"] == "ok");
}

TEST_CASE("cluster counts this node and knows its quorum") {
  Fixture f;
  f.setAllAlive();
  const auto cluster = [&f] {
    Json json = Json::parse(f.get("/cluster").body);
    json.erase("guard");
    json.erase("transparent");
    json.erase("memory");
    json.erase("zones");
    return json;
  };
  CHECK(
      cluster() ==
      Json::parse(
          R"({"size":4,"quorum":3,"tolerable_failures":1,"online":4,"offline":[],"status":"ok","local_health":"ok"})"));
  f.publish(1, Verdict::kDead, CircuitState::kOpen, Reason::kProbeSilence);
  CHECK(
      cluster() ==
      Json::parse(
          R"({"size":4,"quorum":3,"tolerable_failures":1,"online":3,"offline":["node3"],"status":"degraded","local_health":"ok"})"));
  f.publish(2, Verdict::kRefusing, CircuitState::kOpen, Reason::kConnectRefused);
  const Json lost = Json::parse(f.get("/cluster").body);
  CHECK(lost["status"] == "quorum_lost");
  CHECK(lost["online"] == 2);
  f.publish(2, Verdict::kSuspect, CircuitState::kClosed, Reason::kProbeAck);  // not given up yet
  CHECK(Json::parse(f.get("/cluster").body)["status"] == "degraded");
}

TEST_CASE("a name is told, where it leads, and what DNS has against it") {
  Fixture f;
  const auto peer = [&f] { return Json::parse(f.get("/peers/node2").body); };
  CHECK(peer()["dns"] == nullptr);
  CHECK(peer()["addresses"] == Json::array({peer()["address"]}));
  f.setName({.name = "node2.example",
             .state = "unknown",
             .answered = false,
             .addresses = {},
             .unused = 0,
             .error = "",
             .details = "",
             .goodAge = std::nullopt});
  f.publish(1, Verdict::kAlive, CircuitState::kClosed, Reason::kProbeAck);
  f.publish(2, Verdict::kAlive, CircuitState::kClosed, Reason::kProbeAck);
  CHECK(f.get("/readyz").status == 503);
  CHECK(peer()["addresses"] == Json::array());
  CHECK(peer()["dns"] ==
        Json::parse(R"({"name":"node2.example","state":"unknown","unused":0,"error":null,"answered_ms":null})"));
  f.setName({.name = "node2.example",
             .state = "failed",
             .answered = true,
             .addresses = {},
             .unused = 0,
             .error = "timeout",
             .details = "no DNS server answered in time",
             .goodAge = std::nullopt});
  CHECK(f.get("/readyz").status == 200);  // nothing more will be known of it soon
  CHECK(peer()["dns"]["error"] == Json::parse(R"({"error":"timeout","details":"no DNS server answered in time"})"));
  f.setName({.name = "node2.example",
             .state = "good",
             .answered = true,
             .addresses = {"10.0.0.2:1", "10.0.0.3:1"},
             .unused = 3,
             .error = "",
             .details = "",
             .goodAge = milliseconds(1500)});
  CHECK(f.get("/readyz").status == 503);  // it has no verdict yet
  CHECK(peer()["addresses"] == Json::array({"10.0.0.2:1", "10.0.0.3:1"}));
  CHECK(peer()["dns"]["unused"] == 3);
  CHECK(peer()["dns"]["answered_ms"] == 1500);
}

TEST_CASE("the guard is told, and why it does nothing") {
  Fixture f;
  f.setAllAlive();
  SUBCASE("nobody is meant to be guarded, or it may not") {
    Json guard = Json::parse(f.get("/cluster").body)["guard"];
    CHECK(guard["active"] == false);
    CHECK(Json::parse(f.get("/peers/node2").body)["guard"]["state"] == "off");
  }
  SUBCASE("what it does") {
    stats::GuardStats& stats = f.stats.peer(PeerId{1}).guard;
    stats.state.set(static_cast<uint64_t>(guard::State::kRefused));
    stats.refusals.add();
    stats.destroyed.add(16);
    const Json guard = Json::parse(f.get("/cluster").body)["guard"];
    CHECK(guard["refused"] == Json::parse(R"(["node3"])"));
    CHECK(guard["withheld"].empty());
    CHECK(Json::parse(f.get("/peers/node3").body)["guard"]["destroyed_total"] == 16);
    const Answer metrics = f.get("/metrics");
    CHECK(metrics.body.find("peerpulse_guard_refused{peer=\"node3\"} 1\n") != std::string::npos);
    CHECK(metrics.body.find("peerpulse_guard_sockets_total{peer=\"node3\",what=\"destroyed\"} 16\n") !=
          std::string::npos);
    CHECK(metrics.body.find("peerpulse_guard_withheld_total{peer=\"node3\",reason=\"nobody_else\"} 0\n") !=
          std::string::npos);
  }
}

TEST_CASE("transparent mode is told by peer, and who goes past us") {
  Fixture f;
  f.setAllAlive();
  CHECK(Json::parse(f.get("/peers/node3").body)["transparent"]["way"] == "off");
  const Json off = Json::parse(f.get("/cluster").body)["transparent"];
  CHECK(off["active"] == false);
  CHECK(off["direct"].empty());
  stats::TransparentStats& stats = f.stats.peer(PeerId{1}).transparent;
  stats.way.set(static_cast<uint64_t>(transparent::Way::kRefused));
  stats.connections.add(3);
  f.stats.transparentUnknown.add();
  CHECK(Json::parse(f.get("/peers/node3").body)["transparent"]["connections_total"] == 3);
  const Answer metrics = f.get("/metrics");
  for (const char* line :
       {"peerpulse_transparent_redirected{peer=\"node3\"} 0\n", "peerpulse_transparent_refused{peer=\"node3\"} 1\n",
        "peerpulse_transparent_connections_total{peer=\"node3\"} 3\n",
        "peerpulse_transparent_unknown_destinations_total 1\n", "peerpulse_transparent_table_repairs_total 0\n",
        "peerpulse_transparent_table_errors_total 0\n"})
    CHECK(metrics.body.find(line) != std::string::npos);
}

TEST_CASE("config and metrics") {
  Fixture f;
  f.setAllAlive();
  CHECK(Json::parse(f.get("/config").body)["workers"]["source"] == "default");
  const Answer metrics = f.get("/metrics");
  CHECK(metrics.status == 200);
  CHECK(metrics.head.find("content-type: text/plain; version=0.0.4") != std::string::npos);
  CHECK(metrics.body.find("peerpulse_peer_verdict{peer=\"node2\",verdict=\"alive\"} 1\n") != std::string::npos);
  CHECK(metrics.body.find("peerpulse_circuit_state{peer=\"node4\",state=\"closed\"} 1\n") != std::string::npos);
  CHECK(metrics.body.find("peerpulse_log_lines_total 900\n") != std::string::npos);
  CHECK(metrics.body.find("peerpulse_log_dropped_total 5\n") != std::string::npos);
  CHECK(metrics.body.find("peerpulse_build_info{version=\"0.1.0\",node=\"node1\"} 1\n") != std::string::npos);
}

TEST_CASE("unknown paths and wrong methods") {
  Fixture f;
  const Answer missing = f.get("/nothing");
  CHECK(missing.status == 404);
  CHECK(Json::parse(missing.body)["error"] == "not_found");
  CHECK(f.get("/peers/node2/circuit/x").status == 404);
  CHECK(f.get("/peers//circuit").status == 404);

  const Answer wrong = f.post("/peers", "{}");
  CHECK(wrong.status == 405);
  CHECK(wrong.head.find("allow: get, head\r\n") != std::string::npos);
  const Answer read = f.get("/peers/node2/circuit");
  CHECK(read.status == 405);
  CHECK(read.head.find("allow: post\r\n") != std::string::npos);
  for (const char* method : {"PUT", "DELETE", "PATCH", "OPTIONS"}) {
    CHECK_MESSAGE(f.request(method, "/peers").status == 405, method);
  }
}

TEST_CASE("HEAD is GET without the body, and connections are kept") {
  Fixture f;
  Client client(f.address());
  const std::string fields = " HTTP/1.1\r\nHost: " + f.host() + "\r\n\r\n";
  client.send("HEAD /cluster" + fields);
  const Answer head = client.readAnswer(true);
  CHECK(head.status == 200);
  client.send("GET /cluster" + fields + "GET /livez" + fields);  // pipelined
  const Answer first = client.readAnswer();
  CHECK(first.status == 200);
  CHECK(head.head.find("content-length: " + std::to_string(first.body.size()) + "\r\n") != std::string::npos);
  CHECK(Json::parse(client.readAnswer().body)["status"] == "ok");
}

TEST_CASE("what is no request is refused") {
  Fixture f;
  Client client(f.address());
  client.send("GET /livez HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n");
  CHECK(client.readAnswer().status == 400);
  client.readUntil([](const std::string&) { return false; });
  CHECK(client.eof());
}
