// Goal: a peer is found by name or address, with or without peerpulse; our own troubles are counted for the right peer.
#include "subject.h"

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

TEST_CASE("subject: without a peerpulse that answers, an address is enough and a name is not") {
  const AdminClient nobody(*SocketAddress::parse("unix:/nonexistent/admin.sock"));
  const auto byAddress = findSubject(nobody, "10.0.0.2:9000", "");
  REQUIRE(byAddress.has_value());
  CHECK(byAddress->address.toString() == "10.0.0.2:9000");
  CHECK_FALSE(byAddress->admin.reached);
  CHECK_FALSE(byAddress->admin.error.empty());
  const auto byName = findSubject(nobody, "node2", "");
  REQUIRE_FALSE(byName.has_value());
  CHECK(byName.error().code != 0);
}

TEST_CASE("subject: what is counted as our own trouble") {
  const std::string metrics =
      "# TYPE peerpulse_probe_unasked_total counter\n"
      "peerpulse_probe_unasked_total{peer=\"node2\"} 2\n"
      "peerpulse_probe_unasked_total{peer=\"node22\"} 100\n"
      "peerpulse_connects_not_made_total{peer=\"node2\"} 30\n"
      "peerpulse_connects_not_made_total{peer=\"node3\"} 1000\n"
      "peerpulse_clients_turned_away_total{peer=\"node3\",reason=\"descriptors\"} 400\n"
      "peerpulse_clients_turned_away_total{peer=\"node3\",reason=\"limit\"} 5000\n"
      "nonsense\n";
  CHECK(ownTroubles(metrics, "node2") == 432);
  CHECK(ownTroubles("", "node2") == 0);
}

}  // namespace
}  // namespace peerpulse::cli
