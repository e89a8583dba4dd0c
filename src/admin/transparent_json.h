// What /peers and /cluster say of transparent mode.
#pragma once

#include "handlers.h"
#include "json_response.h"

namespace peerpulse::admin {

/// Of one peer: {"way","connections_total"}. `way` is "off" where nobody is meant to be turned.
Json transparentJson(const Context& context, const proxy::PeerOptions& peer);
/// Of this host: {"active","missing","table","listeners":[...],"direct":[...]}: of `direct` peers the clients go past us though
/// they are meant to be turned.
Json transparentJson(const Context& context);

}  // namespace peerpulse::admin
