// How long a peer takes to answer, by class, and what "auto" is now (upstream/timing.h), as /peers shows it; null: not enough is
// known. Classes that were never used are left out.
#pragma once

#include "handlers.h"
#include "json_response.h"

namespace peerpulse::admin {

Json timingJson(const Context& context, const proxy::PeerOptions& peer);

}  // namespace peerpulse::admin
