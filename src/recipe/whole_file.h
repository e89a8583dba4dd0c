// Files that are read and written whole.
//
// Errors: those of the system, with the path. Threading: any.
#pragma once

#include <optional>
#include <string>

#include "peerpulse/base/result.h"

namespace peerpulse::recipe {

/// Nothing: there is no such file. More than 16 MiB are an error.
Result<std::optional<std::string>> readWhole(const std::string& path);

/// All or nothing, and on the disk: a new file beside it takes its place, with the old one's owner and mode (a new one: 0644). What
/// cannot be renamed over, because it is a mount, is written in place. A link is followed.
Result<void> writeWhole(const std::string& path, const std::string& content);

}  // namespace peerpulse::recipe
