// Goal: what /proc says of a process is read; what it does not say is not made up.
#include "process_table.h"

#include <string>

#include <doctest/doctest.h>

#include "fake_host.h"

namespace peerpulse::cli {
namespace {

TEST_CASE("process_table: limits, capabilities and groups") {
  const FakeHost host;
  host.write("/proc/7/limits",
             "Limit                     Soft Limit           Hard Limit           Units\n"
             "Max open files            1024                 unlimited            files\n");
  host.link("/proc/7/fd/0", "/dev/null");
  host.write("/proc/7/status",
             "Name:\tpeerpulse\nGid:\t100\t200\t100\t100\nGroups:\t300 400\nCapEff:\t0000000000001000\n");
  const HostFiles files = host.files();
  const auto limit = descriptorLimit(files, 7);
  REQUIRE(limit.has_value());
  CHECK(limit->soft == 1024);
  CHECK(limit->hard == UINT64_MAX);
  CHECK(limit->open == 1);
  CHECK(hasCapability(files, 7, 12) == true);
  CHECK(hasCapability(files, 7, 13) == false);
  CHECK_FALSE(mayPing(files, 7).has_value());
  const std::pair<const char*, bool> kRanges[] = {
      {"1\t0", false}, {"0 199", false}, {"200 200", true}, {"400 500", true}};
  for (const auto& entry : kRanges) {
    const char* range = entry.first;
    const bool may = entry.second;
    CAPTURE(range);
    host.write("/proc/sys/net/ipv4/ping_group_range", range);
    CHECK(mayPing(files, 7) == may);
  }
  CHECK_FALSE(descriptorLimit(files, 8).has_value());
  CHECK_FALSE(hasCapability(files, 8, 12).has_value());
}

TEST_CASE("process_table: an environment") {
  const FakeHost host;
  host.write("/proc/7/environ", std::string("A=1\0B=x=y\0nonsense\0C=\0", 23));
  const auto environment = environmentOf(host.files(), 7);
  REQUIRE(environment.has_value());
  CHECK(*environment == std::map<std::string, std::string>{{"A", "1"}, {"B", "x=y"}, {"C", ""}});
  CHECK_FALSE(environmentOf(host.files(), 8).has_value());
}

}  // namespace
}  // namespace peerpulse::cli
