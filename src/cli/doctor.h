// Doctor: looks at this host for what keeps peerpulse from helping: kernel settings, descriptors, capabilities, names,
// listeners that steal its traffic, proxies, clocks, and what the next boot forgets.
//
// Threading: blocks, for some seconds at most.
#pragma once

#include <string>
#include <vector>

#include "admin_client.h"
#include "finding.h"
#include "host_files.h"
#include "peerpulse/base/address.h"

namespace peerpulse::cli {

struct DoctorPeer {
  std::string name;
  SocketAddress listen;  ///< family AF_UNSPEC: no listener, the guard only
  SocketAddress address;
  std::string verdict;  ///< empty: peerpulse was not asked
};

/// What peerpulse, or its configuration file, says.
struct DoctorView {
  bool reached = false;
  std::string error;  ///< why it was not
  SocketAddress admin;
  std::vector<DoctorPeer> peers;
  bool icmp = true;                ///< whether it is to send echoes
  bool guardActive = false;        ///< it guards somebody
  std::string guardMissing;        ///< what that would need
  bool transparentActive = false;  ///< connects to somebody are turned
  std::string transparentMissing;  ///< what that would need
  double clientsAtMost = 0;        ///< connections of clients that the configuration allows; 0: not known
};

/// Errors: neither answers, and a file was given and is wrong. Without a file, a view without peers.
Result<DoctorView> viewOf(const AdminClient& admin, const std::string& configFile);

/// `storePid`: 0: whoever is connected to our listeners.
Findings examine(const DoctorView& view, const HostFiles& files, int storePid);

}  // namespace peerpulse::cli
