// Reader: fills a Config from a JSON document and the environment, and notes each value's source.
#pragma once

#include "error_list.h"
#include "json_document.h"
#include "peerpulse/config/config.h"

namespace peerpulse::config {

/// Applies preset and profile (named in `document`), the file's own values, and `environment`, in this order.
void readConfig(const Json& document, const Environment& environment, Config& config, ErrorList& errors);

}  // namespace peerpulse::config
