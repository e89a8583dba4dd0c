// What /peers says of the link to the peerpulse beside a peer.
#pragma once

#include "json_response.h"
#include "peerpulse/proxy/options.h"
#include "peerpulse/stats/peer_stats.h"

namespace peerpulse::admin {

/// Null where there is none.
Json linkJson(const upstream::LinkOptions& link, const stats::LinkStats& stats);

}  // namespace peerpulse::admin
