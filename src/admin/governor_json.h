// What /peers says of a peer's governors.
#pragma once

#include "json_response.h"
#include "peerpulse/stats/peer_stats.h"
#include "peerpulse/upstream/governor_options.h"

namespace peerpulse::admin {

Json governorJson(upstream::GovernorMode mode, const stats::GovernorsByClass& governors);

}  // namespace peerpulse::admin
