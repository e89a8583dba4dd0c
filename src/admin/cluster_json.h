// What /cluster says.
#pragma once

#include "handlers.h"
#include "json_response.h"

namespace peerpulse::admin {

Json clusterJson(const Context& context);

}  // namespace peerpulse::admin
