// What /cluster says.
#pragma once

#include "handlers.h"
#include "json_response.h"
#include "peerpulse/stats/registry.h"

namespace peerpulse::admin {

Json clusterJson(const Context& context);
/// The same in numbers.
stats::ClusterCounts clusterCounts(const Context& context);

}  // namespace peerpulse::admin
