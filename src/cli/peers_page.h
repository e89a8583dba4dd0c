// Peers as a table, and one in detail.
//
// Threading: pure.
#pragma once

#include <string>

#include "json_field.h"
#include "peerpulse/base/time.h"

namespace peerpulse::cli {

/// `peers` is what /peers says.
std::string peersText(const Json& peers, WallTime now);
/// `peer` is one of them.
std::string peerText(const Json& peer, WallTime now);
/// "95%"; "-" when it is not known.
std::string scoreText(const Json& peer);
/// "250 us"; `which`: "last", "p50", "p99".
std::string roundTripText(const Json& peer, const std::string& which);

}  // namespace peerpulse::cli
