// The variables that override the file (design section 7): PEERPULSE_CONNECT_TIMEOUT and so on, or RUSTFS_..., which were the
// names of the 2025 analysis (RustFS itself reads others, RUSTFS_INTERNODE_*_SECS) and yield to ours. A value that makes detection
// slower than the file asks is a warning.
#pragma once

#include <vector>

#include "error_list.h"
#include "field.h"
#include "peerpulse/config/config.h"

namespace peerpulse::config {

/// `fields`: those of `config`. A variable about probing or the circuit counts for every peer.
void applyEnvironment(const Environment& environment, const std::vector<Field>& fields, Config& config,
                      ErrorList& errors);

}  // namespace peerpulse::config
