// Goal: an address that the next boot forgets is found, and whatever may set it is believed.
#include "persistence_check.h"

#include <doctest/doctest.h>

#include "fake_host.h"

namespace peerpulse::cli {
namespace {

SocketAddress at(const char* text) { return *SocketAddress::parse(text); }

size_t warnings(const Findings& findings) {
  size_t count = 0;
  for (const Finding& finding : findings) {
    if (finding.severity >= Severity::kWarning) ++count;
  }
  return count;
}

TEST_CASE("persistence_check: addresses that nothing sets") {
  const FakeHost host;
  const std::vector<SocketAddress> own{at("127.0.0.1:0"), at("10.0.0.1:0")};
  CHECK(checkAddressesPersist(host.files(), {at("127.0.0.12:9000"), at("10.0.0.1:9000"), at("0.0.0.0:1")}, own)
            .empty());
  const std::vector<SocketAddress> anyIp{at("198.18.0.12:9000"), at("198.18.0.13:9000")};
  CHECK(warnings(checkAddressesPersist(host.files(), anyIp, own)) == 1);
  SUBCASE("a unit does") {
    host.write("/etc/systemd/system/anyip.service", "ExecStart=ip route add local 198.18.0.0/24 dev lo\n");
    CHECK(warnings(checkAddressesPersist(host.files(), anyIp, own)) == 0);
  }
  SUBCASE("a drop-in does") {
    host.write("/etc/systemd/network/10-lo.network.d/anyip.conf", "[Route]\nDestination=198.18.0.0/24\nType=local\n");
    CHECK(warnings(checkAddressesPersist(host.files(), anyIp, own)) == 0);
  }
  SUBCASE("another address is no help") {
    host.write("/etc/network/interfaces", "up ip route add local 198.19.0.0/24 dev lo\n");
    CHECK(warnings(checkAddressesPersist(host.files(), anyIp, own)) == 1);
  }
}

TEST_CASE("persistence_check: IPv6") {
  const FakeHost host;
  CHECK(warnings(checkAddressesPersist(host.files(), {at("[fd00:18::12]:9000")}, {})) == 1);
  host.write("/etc/network/interfaces", "up ip -6 route add local fd00:18::/64 dev lo\n");
  CHECK(warnings(checkAddressesPersist(host.files(), {at("[fd00:18::12]:9000")}, {})) == 0);
}

TEST_CASE("persistence_check: the service") {
  const FakeHost host;
  CHECK(checkServicePersists(host.files()).empty());  // no systemd
  host.write("/run/systemd/system/x", "");
  REQUIRE(checkServicePersists(host.files()).size() == 1);
  CHECK(checkServicePersists(host.files())[0].severity == Severity::kAdvice);
  // The recipe's route is started at boot, and peerpulse is not.
  host.link("/etc/systemd/system/multi-user.target.wants/peerpulse-addresses.service", "/nowhere/addresses.service");
  CHECK(checkServicePersists(host.files())[0].severity == Severity::kAdvice);
  host.link("/etc/systemd/system/multi-user.target.wants/peerpulse.service", "/nowhere/peerpulse.service");
  CHECK(checkServicePersists(host.files())[0].severity == Severity::kOk);
}

}  // namespace
}  // namespace peerpulse::cli
