// The links between sidecars (LinkOptions): what follows from their keys, and what is wrong with them.
//
// Threading: pure, but for addStore() and checkLinks(), which ask the kernel for this host's addresses.
#pragma once

#include "error_list.h"
#include "peerpulse/config/config.h"

namespace peerpulse::config {

/// Fills in what the peer's link has from /link, and the address that its own one stands for, unless
/// that is a name.
void completeLink(const Config& config, proxy::PeerOptions& peer);
/// The own store, as the last of the peers, if /link serves it. A store elsewhere is a warning.
void addStore(Config& config);

void checkLinks(const Config& config, ErrorList& errors);

}  // namespace peerpulse::config
