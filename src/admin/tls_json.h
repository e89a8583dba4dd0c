// What /peers says of TLS to a peer and on its listener.
#pragma once

#include "json_response.h"
#include "peerpulse/stats/peer_stats.h"

namespace peerpulse::admin {

Json tlsJson(const stats::PeerStats& stats);

}  // namespace peerpulse::admin
