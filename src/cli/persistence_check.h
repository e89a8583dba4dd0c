// Whether what the recipes set up is there after the next boot. Conservative: what might be set by means that are not known
// here is no finding.
//
// Threading: pure, but for the files that are read.
#pragma once

#include <string>
#include <vector>

#include "finding.h"
#include "host_files.h"
#include "peerpulse/base/address.h"

namespace peerpulse::cli {

/// `listens`: our listeners. Addresses of 127/8 are always there; others on the loopback interface (AnyIP routes) need
/// something that sets them.
Findings checkAddressesPersist(const HostFiles& files, const std::vector<SocketAddress>& listens,
                               const std::vector<SocketAddress>& interfaceAddresses);
/// Whether systemd, where it runs, starts peerpulse.
Findings checkServicePersists(const HostFiles& files);

}  // namespace peerpulse::cli
