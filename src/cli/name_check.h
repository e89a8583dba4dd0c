// Where the names of peers lead: a store that resolves one to the peer's real address passes peerpulse by.
//
// Threading: judgeName() is pure, resolve() blocks.
#pragma once

#include <string>
#include <vector>

#include "finding.h"
#include "peerpulse/base/address.h"

namespace peerpulse::cli {

/// By the system's resolver, as the store asks it. Empty: it does not know the name.
std::vector<SocketAddress> resolve(const std::string& name);

/// `listen` is our listener for the peer, `address` its real one.
Finding judgeName(const std::string& name, const std::vector<SocketAddress>& resolved, const SocketAddress& listen,
                  const SocketAddress& address);

}  // namespace peerpulse::cli
