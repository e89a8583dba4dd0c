// Where the names of peers lead: a store that resolves one to the peer's real address passes peerpulse by.
//
// Threading: judgeName() is pure, resolve() blocks.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "finding.h"
#include "peerpulse/base/address.h"

namespace peerpulse::cli {

/// By the system's resolver, as the store asks it. Empty: it does not know the name.
std::vector<SocketAddress> resolve(const std::string& name);
using Resolver = std::function<std::vector<SocketAddress>(const std::string&)>;

/// By which name a store calls a peer, which may be one port of its node: the node's, unless only `peer` leads somewhere. That
/// is asked last: "node2-6200" is peerpulse's own word, which no resolver knows, and a slow one is asked nothing in vain.
std::string nameInUse(const std::string& node, const std::string& peer, const Resolver& resolver);

/// `listen` is our listener for the peer, `address` its real one.
Finding judgeName(const std::string& name, const std::vector<SocketAddress>& resolved, const SocketAddress& listen,
                  const SocketAddress& address);

}  // namespace peerpulse::cli
