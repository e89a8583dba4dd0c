// Who may change things: requests that were made to this listener by its own name, not those that a web page
// elsewhere made a browser send (CSRF), and not those that reached us under a foreign name (DNS rebinding).
#pragma once

#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"
#include "request.h"

namespace peerpulse::admin {

/// Host must be the listen address, a loopback name or (listening on all addresses) an address literal, with
/// our port; Origin, if there is one, must be the same. A unix listener cannot be reached from a browser.
Result<void> checkSameOrigin(const SocketAddress& listen, const Request& request);

}  // namespace peerpulse::admin
