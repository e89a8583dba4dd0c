// One screen about the cluster, as this node sees it, and the exit status that goes with it.
//
// Threading: pure.
#pragma once

#include <string>

#include "json_field.h"
#include "peerpulse/base/time.h"

namespace peerpulse::cli {

/// `cluster` and `peers` are what /cluster and /peers say.
std::string statusText(const Json& cluster, const Json& peers, WallTime now);
/// kExitOk, kExitFound or kExitLost.
int statusExit(const Json& cluster, const Json& peers);

}  // namespace peerpulse::cli
