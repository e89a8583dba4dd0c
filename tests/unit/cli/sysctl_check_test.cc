// Goal: every setting of conf/99-peerpulse-sysctl.conf is looked at, as good counts as good, and what it costs is said.
#include "sysctl_check.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "fake_host.h"

namespace peerpulse::cli {
namespace {

Finding of(const Findings& findings, const std::string& where) {
  const auto found =
      std::find_if(findings.begin(), findings.end(), [&](const Finding& f) { return f.where == where; });
  return found != findings.end() ? *found : Finding{Severity::kOk, "", "not looked at", "", ""};
}

bool isOk(const Findings& findings, const std::string& where) {
  const Finding finding = of(findings, where);
  return !finding.where.empty() && finding.severity == Severity::kOk;
}

TEST_CASE("sysctl_check: numbers, at least and at most, and those in the middle of a setting") {
  const FakeHost host;
  host.write("/proc/sys/net/core/somaxconn", "4096\n");
  host.write("/proc/sys/net/ipv4/tcp_retries2", "15\n");
  host.write("/proc/sys/net/ipv4/tcp_tw_reuse", "2\n");
  host.write("/proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t16777216\n");
  host.write("/proc/sys/net/ipv4/tcp_wmem", "4096\t16384\t1000\n");
  host.write("/proc/sys/net/ipv4/tcp_mtu_probing", "nonsense\n");
  const Findings findings = checkSysctls(host.files());
  CHECK(findings.size() == 6);  // a kernel that lacks the others is not told of them
  CHECK(isOk(findings, "net.core.somaxconn"));
  CHECK(isOk(findings, "net.ipv4.tcp_tw_reuse"));
  CHECK(isOk(findings, "net.ipv4.tcp_rmem"));
  CHECK_FALSE(isOk(findings, "net.ipv4.tcp_wmem"));
  CHECK_FALSE(isOk(findings, "net.ipv4.tcp_mtu_probing"));
  CHECK(of(findings, "net.ipv4.tcp_retries2").what == "is 15: connections that nobody watches hang for 15 minutes");
  CHECK(of(findings, "net.ipv4.tcp_retries2").todo.starts_with("net.ipv4.tcp_retries2 = 8 "));
}

TEST_CASE("sysctl_check: a neighbour table for each device") {
  const FakeHost host;
  for (const char* device : {"lo", "default", "eth0"})
    host.write(std::string("/proc/sys/net/ipv4/neigh/") + device + "/retrans_time_ms", "1000\n");
  host.write("/proc/sys/net/ipv4/neigh/bond0.7/retrans_time_ms", "50\n");
  const Findings findings = checkSysctls(host.files());
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].where == "net.ipv4.neigh.default.retrans_time_ms");
  CHECK(findings[0].what.starts_with("is 1000 (eth0): "));
  host.write("/proc/sys/net/ipv4/neigh/eth0/retrans_time_ms", "100\n");
  CHECK(isOk(checkSysctls(host.files()), "net.ipv4.neigh.default.retrans_time_ms"));
}

}  // namespace
}  // namespace peerpulse::cli
