// Preflight: what a valid configuration asks of this host and the host does not give: an address that is not ours, a directory that
// is not there, a log that cannot be written. `peerpulse check` says it before `peerpulse run` fails by it.
//
// Nothing is changed: sockets are bound and closed again, files are asked for. It speaks of the user who runs it, and of now: a port
// that is in use is most likely peerpulse's own, and no error.
//
// Threading: any thread; system calls that do not block.
#pragma once

#include <string>
#include <vector>

#include "peerpulse/config/config.h"

namespace peerpulse::server {

struct Finding {
  bool fatal = false;  ///< `run` would end with it
  std::string pointer;
  std::string text;  ///< what is wrong, and what to do about it
};

/// Whether this process may give its sockets to peers `upstream.mark`; without it they would take another way than is meant.
Result<void> mayMark(uint32_t mark);

std::vector<Finding> preflight(const config::Config& config);

}  // namespace peerpulse::server
