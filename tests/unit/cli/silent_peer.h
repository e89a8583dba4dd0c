// What diagnoses are made of, in tests.
#pragma once

#include "observations.h"

namespace peerpulse::cli {

/// A peer on the link of eth0 that peerpulse knew as alive, and of which nothing is heard now.
inline Observations silentPeer() {
  Observations o;
  o.peer = "node2";
  o.address = "10.0.0.2:9000";
  o.admin = {.reached = true,
             .error = {},
             .verdict = "dead",
             .circuit = "open",
             .reason = "probe_silence",
             .since = "2026-01-31T12:00:00Z",
             .localHealth = "ok",
             .guardState = "refused",
             .transparentWay = "off",
             .heard = true,
             .processHeard = true};
  o.route =
      Route{.kind = Route::Kind::kUnicast, .interface = 2, .device = "eth0", .source = "10.0.0.1", .gateway = {}};
  o.neighbour = Neighbour{.state = Neighbour::State::kKnown, .linkAddress = "02:00:00:00:00:02"};
  o.arp.heard = Heard::kSilent;
  o.echo.heard = Heard::kSilent;
  o.connect = {.kind = ConnectAnswer::Kind::kSilent, .error = 110, .took = milliseconds(1200)};
  o.closedPort.kind = ConnectAnswer::Kind::kSilent;
  return o;
}

}  // namespace peerpulse::cli
