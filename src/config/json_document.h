// JsonDocument: JSON text as a tree, with what JSON parsers usually let pass made an error.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "error_list.h"

namespace peerpulse::config {

/// Keeps the order of keys, so that errors come in the order of the file.
using Json = nlohmann::ordered_json;

/// `prefix` + "/" + `key`, escaped as RFC 6901 wants it.
std::string pointerTo(const std::string& prefix, std::string_view key);
/// `value` as short JSON text for "found ...".
std::string describe(const Json& value);

/// Adds to `errors`: syntax errors with line and column, duplicate keys with their pointer, a root that is no
/// object. The result is only good if nothing was added.
Json parseJson(std::string_view text, ErrorList& errors);

}  // namespace peerpulse::config
