// Goal: the exit status and the first line tell how bad it is, the table who and why.
#include "status_page.h"

#include <doctest/doctest.h>

#include "command.h"

namespace peerpulse::cli {
namespace {

Json clusterOf(const char* status, int size, int online) {
  return {{"status", status},
          {"size", size},
          {"quorum", size / 2 + 1},
          {"online", online},
          {"guard", {{"active", true}}}};
}

Json peersOf(const char* local, std::vector<Json> list) {
  return {{"node", "node1"}, {"local_health", local}, {"peers", std::move(list)}};
}

const Json kAlive = {{"name", "node2"}, {"verdict", "alive"}, {"circuit", "closed"}, {"reason", "probe_ack"}};
const Json kDead = {{"name", "node3"},   {"address", "10.0.0.3:9000"}, {"verdict", "dead"},
                    {"circuit", "open"}, {"reason", "probe_silence"},  {"since", "2026-01-31T12:00:00Z"}};

TEST_CASE("status_page: the exit status") {
  CHECK(statusExit(clusterOf("ok", 2, 2), peersOf("ok", {kAlive})) == kExitOk);
  CHECK(statusExit(clusterOf("ok", 2, 2), peersOf("lagging", {kAlive})) == kExitOk);
  CHECK(statusExit(clusterOf("ok", 2, 2), peersOf("exhausted", {kAlive})) == kExitFound);
  CHECK(statusExit(clusterOf("degraded", 3, 2), peersOf("ok", {kAlive, kDead})) == kExitFound);
  CHECK(statusExit(clusterOf("quorum_lost", 2, 1), peersOf("ok", {kDead})) == kExitLost);
  CHECK(statusExit(clusterOf("degraded", 3, 2), peersOf("link_down", {kAlive, kDead})) == kExitLost);
  CHECK(statusExit(Json::object(), Json::object()) == kExitFound);
  Json suspect = kAlive;
  suspect["verdict"] = "suspect";
  CHECK(statusExit(clusterOf("ok", 2, 2), peersOf("ok", {suspect})) == kExitFound);
}

TEST_CASE("status_page: what is said") {
  const std::string text =
      statusText(clusterOf("degraded", 4, 3), peersOf("ok", {kAlive, kDead}), WallTime(seconds(1769860990)));
  CHECK(text.starts_with(
      "node1: cluster degraded: 3 of 4 nodes online, quorum of 3 kept, no more may fail\nthis host: ok\n"));
  CHECK(text.find("node3  10.0.0.3:9000  dead     open     3m10s ago  silent on every connection") !=
        std::string::npos);
  CHECK(text.find("\nalive: node2\n") != std::string::npos);
  const std::string lost = statusText(clusterOf("quorum_lost", 4, 2), peersOf("suspect", {}), WallTime());
  CHECK(lost.find("LOST by 1") != std::string::npos);
  CHECK(lost.find("cut off") != std::string::npos);
}

TEST_CASE("status_page: clients that go past us though they should not") {
  Json cluster = clusterOf("ok", 3, 3);
  cluster["transparent"] = {{"active", true}, {"missing", ""}, {"direct", Json::array()}};
  CHECK(statusText(cluster, peersOf("ok", {}), WallTime()).find("transparent") == std::string::npos);
  cluster["transparent"]["direct"] = {"node3"};
  CHECK(statusText(cluster, peersOf("ok", {}), WallTime())
            .find("transparent mode: connections to node3 go past peerpulse\n") != std::string::npos);
  cluster["transparent"]["missing"] = "no CAP_NET_ADMIN";
  CHECK(statusText(cluster, peersOf("ok", {}), WallTime()).find("transparent mode: off, no CAP_NET_ADMIN\n") !=
        std::string::npos);
}

TEST_CASE("status_page: what the guard does") {
  Json cluster = clusterOf("degraded", 3, 2);
  cluster["guard"]["refused"] = {"node3"};
  CHECK(statusText(cluster, peersOf("ok", {}), WallTime()).find("guard: refuses connections to node3\n") !=
        std::string::npos);
  cluster["guard"] = {{"active", false}, {"missing", "no CAP_NET_ADMIN"}};
  CHECK(statusText(cluster, peersOf("ok", {}), WallTime()).find("guard: off, no CAP_NET_ADMIN\n") !=
        std::string::npos);
}

}  // namespace
}  // namespace peerpulse::cli
