// Goal: what is known of a peer is shown, what is not known is no zero.
#include "peers_page.h"

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

TEST_CASE("peers_page: a table, and a peer of which nothing is known") {
  const Json peers = {{"peers",
                       {{{"name", "node2"},
                         {"address", "10.0.0.2:9000"},
                         {"verdict", "alive"},
                         {"circuit", "closed"},
                         {"score", 0.954},
                         {"rtt_us", {{"p50", 250}}},
                         {"requests_total", 1200},
                         {"failures_total", 3}},
                        {{"name", "node3"}}}}};
  const std::string text = peersText(peers, WallTime());
  CHECK(text.find("node2  10.0.0.2:9000  alive    closed          95%    250 us  1200      3") != std::string::npos);
  CHECK(text.find("node3") != std::string::npos);
  CHECK(peersText(Json::object(), WallTime()).starts_with("PEER"));
}

TEST_CASE("peers_page: one peer") {
  const std::string text = peerText(
      {{"name", "node2"},
       {"address", "10.0.0.2:9000"},
       {"verdict", "stalled"},
       {"circuit", "closed"},
       {"last_heard_ms", 3},
       {"process_silent_ms", nullptr},
       {"rtt_us", {{"last", 0}, {"p50", 1500}}},
       {"last_error",
        {{"at", "2026-01-31T12:00:00Z"}, {"error", "connection_refused"}, {"party", "peer"}, {"details", "by RST"}}},
       {"override",
        {{"state", "closed"},
         {"why", "disk swap"},
         {"by", "local"},
         {"since", "2026-01-31T12:00:00Z"},
         {"ttl_left_ms", 600000}}}},
      WallTime(seconds(1769860990)));
  CHECK(text.find("last heard    3 ms ago; its process never\n") != std::string::npos);
  CHECK(text.find("round trip    last -, median 1.5 ms") != std::string::npos);
  CHECK(text.find("last error    connection_refused (peer), 3m10s ago: by RST\n") != std::string::npos);
  CHECK(text.find("override      closed by local, 3m10s ago, 10m00s left: disk swap\n") != std::string::npos);
}

}  // namespace
}  // namespace peerpulse::cli
