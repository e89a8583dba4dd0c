// What no single key can check: clashes between peers, listeners and the admin, and times that contradict.
#pragma once

#include "error_list.h"
#include "peerpulse/config/config.h"

namespace peerpulse::config {

void validate(const Config& config, ErrorList& errors);

}  // namespace peerpulse::config
