// JSON lines: one object per line, each written with one write(), for programs and people to read.
//
// Threading: free functions, any thread.
#pragma once

#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace peerpulse::tools {

/// Writes `line` and a newline to `fd`. Bytes that are not UTF-8 are replaced. False if the reader is gone.
bool writeJsonLine(int fd, const nlohmann::json& line);

/// One line on stderr: {"level":"error","event":<event>,...fields}. At most 100 a second; what is left out is
/// counted and told with the next one ("suppressed").
void logError(std::string_view event, const nlohmann::json& fields);

}  // namespace peerpulse::tools
