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

/// All or nothing, and on the disk: a new file beside it takes its place, with the old one's owner, mode and attributes (a new one:
/// 0644). What cannot be renamed over, because it is a mount, is written in place, and back if that fails. A link is followed.
/// `before`: what was read, nothing if it was not there; if it is something else by now that is an error and stays.
Result<void> writeWhole(const std::string& path, const std::string& content,
                        const std::optional<std::string>& before);

/// Whether it leads out of `root` by a link; an error that says so. "" is the root of this process, which nothing leads out of.
Result<void> staysWithin(const std::string& root, const std::string& path);

}  // namespace peerpulse::recipe
