// The RUSTFS_* variables that override the file, by the names operators of RustFS know (design section 7).
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
