// Subject: whom a diagnosis is about, and what peerpulse (or its configuration file) says of it.
//
// Threading: values; findSubject() blocks. Errors: wrong usage, or nobody knows that peer (`code` as AdminClient's).
#pragma once

#include <cstdint>
#include <string>

#include "admin_client.h"
#include "json_field.h"
#include "observations.h"
#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"

namespace peerpulse::cli {

struct Subject {
  std::string name;
  SocketAddress address;
  SocketAddress listen;    ///< our own listener for it; family AF_UNSPEC if there is none
  std::string healthPath;  ///< empty: none is configured
  uint32_t mark = 0;       ///< of peerpulse's own sockets
  uint16_t confirmPort = 1;
  AdminView admin;
};

/// `peer`: a name, or an address, which needs no peerpulse. Where the admin does not answer, `configFile` (if it is given)
/// tells the address.
Result<Subject> findSubject(const AdminClient& admin, const std::string& peer, const std::string& configFile);

/// What the admin counted so far for want of descriptors, ports or memory of this host; `metrics` is the text of /metrics.
double ownTroubles(const std::string& metrics, const std::string& peer);

}  // namespace peerpulse::cli
