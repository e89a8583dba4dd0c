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

}  // namespace peerpulse::cli
