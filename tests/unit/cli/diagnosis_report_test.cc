// Goal: the cause comes first, the evidence after it, and what was not asked is not shown.
#include "diagnosis_report.h"

#include <doctest/doctest.h>

#include "silent_peer.h"

namespace peerpulse::cli {
namespace {

/// Of whom not everything was asked.
Observations seen() {
  Observations o = silentPeer();
  o.neighbour.reset();
  o.echo = {};
  o.closedPort = {};
  return o;
}

TEST_CASE("diagnosis_report: for people") {
  const std::string text = diagnosisText(
      seen(), {.cause = Cause::kPowerOff, .what = "the host is silent", .todo = {"look at its console"}},
      WallTime(seconds(1769860990)));
  CHECK(text ==
        "node2 (10.0.0.2:9000): power_off\nthe host is silent.\n\n"
        "  peerpulse   dead, circuit open, since 3m10s ago; guarded\n"
        "  route       eth0, from 10.0.0.1\n"
        "  arp         silent (3 requests)\n"
        "  connect     silent for 1.2 s\n"
        "\nWhat to do:\n- look at its console\n");
}

TEST_CASE("diagnosis_report: for programs") {
  const Json json = diagnosisJson(seen(), {.cause = Cause::kPowerOff, .what = "silent", .todo = {"look"}});
  CHECK(json["cause"] == "power_off");
  CHECK(json["peerpulse"]["verdict"] == "dead");
  CHECK(json["evidence"]["connect"]["error"] == "ETIMEDOUT");
  CHECK(json["evidence"]["connect"]["took_ms"] == 1200);
  CHECK(json["evidence"]["tls"].is_null());
  CHECK_FALSE(json["evidence"].contains("neighbour"));
}

}  // namespace
}  // namespace peerpulse::cli
