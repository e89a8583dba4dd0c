// What /peers and /cluster say of the guard.
#pragma once

#include "handlers.h"
#include "json_response.h"

namespace peerpulse::admin {

/// Of one peer: {"mode","state","reason",...}. `state` is "off" where nothing will be done, and `reason` says why.
Json guardJson(const Context& context, const proxy::PeerOptions& peer);
/// Of this host: {"active","missing","table","refused":[...],"withheld":[...]}.
Json guardJson(const Context& context);

}  // namespace peerpulse::admin
