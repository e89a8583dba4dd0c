// The environment of a storage process: what in it takes its peers' traffic elsewhere, or keeps its cluster from forming.
//
// Threading: pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "finding.h"

namespace peerpulse::cli {

/// `peers`: the names by which it calls its peers.
Findings checkStoreEnvironment(const std::string& process, const std::map<std::string, std::string>& environment,
                               const std::vector<std::string>& peers);

/// Whether NO_PROXY lets all of them by: "*", names, and domains with or without a leading dot. Of peers that
/// nobody knows (an empty list) only "*" does.
bool coveredByNoProxy(const std::string& noProxy, const std::vector<std::string>& peers);

}  // namespace peerpulse::cli
