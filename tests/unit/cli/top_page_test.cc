// Goal: rates are of the time between two looks, and a process that began anew has none.
#include "top_page.h"

#include <algorithm>

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

const Json kCluster = {{"status", "ok"}, {"size", 2}, {"quorum", 2}, {"online", 2}};

Json peersWith(double requests, double failures) {
  return {{"node", "node1"},
          {"local_health", "ok"},
          {"peers",
           {{{"name", "node2"},
             {"verdict", "alive"},
             {"circuit", "closed"},
             {"score", 1},
             {"rtt_us", {{"p50", 250}}},
             {"requests_total", requests},
             {"failures_total", failures},
             {"in_flight", 3}}}}};
}

TEST_CASE("top_page: rates") {
  TopPage page;
  const TimePoint start = TimePoint() + seconds(100);
  CHECK(page.text(kCluster, peersWith(100, 0), start, WallTime())
            .find("node2  alive    closed          100%   250 us  -") != std::string::npos);
  const std::string second = page.text(kCluster, peersWith(150, 1), start + seconds(2), WallTime());
  CHECK(second.find("250 us  25     0.5       3") != std::string::npos);
  const std::string restarted = page.text(kCluster, peersWith(10, 0), start + seconds(4), WallTime());
  CHECK(restarted.find("250 us  -      -         3") != std::string::npos);
}

TEST_CASE("top_page: as many lines as the terminal has, those who are not well first") {
  TopPage page;
  Json peers = peersWith(1, 0);
  for (int i = 0; i < 50; ++i) {
    Json peer = peers["peers"][0];
    peer["name"] = "peer" + std::to_string(i);
    peers["peers"].push_back(peer);
  }
  peers["peers"][50]["verdict"] = "dead";
  const std::string text = page.text(kCluster, peers, TimePoint(), WallTime(), 10);
  CHECK(std::count(text.begin(), text.end(), '\n') <= 10);
  CHECK(text.find("peer49") != std::string::npos);
  CHECK(text.find("more peers") != std::string::npos);
}

}  // namespace
}  // namespace peerpulse::cli
