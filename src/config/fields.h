// The table of all keys: what the file may say, bound to the Options structs.
#pragma once

#include <string>
#include <vector>

#include "field.h"
#include "peerpulse/config/config.h"

namespace peerpulse::config {

/// Every key outside `peers`, `routes` and `erasure_sets`.
std::vector<Field> fieldsOf(Config& config);
/// Of one peer; `prefix` is its pointer ("/peers/0").
std::vector<Field> fieldsOf(proxy::PeerOptions& peer, Profile& profile, const std::string& prefix);
/// Of one route; `prefix` is its pointer ("/routes/0").
std::vector<Field> fieldsOf(proxy::Route& route, const std::string& prefix);

/// Of one erasure set; `prefix` is its pointer ("/erasure_sets/0").
std::vector<Field> fieldsOf(fanout::ErasureSet& set, const std::string& prefix);

}  // namespace peerpulse::config
