// serviceNotify: tells the service manager how we are (sd_notify(3): a datagram to $NOTIFY_SOCKET). Without a
// service manager it does nothing.
#pragma once

#include <string_view>

namespace peerpulse::server {

/// `state` as in sd_notify(3): "READY=1", "STOPPING=1". Failures are ignored: nobody is listening then.
void serviceNotify(std::string_view state);

}  // namespace peerpulse::server
