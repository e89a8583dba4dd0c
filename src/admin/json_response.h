// JSON answers and the one form of error all endpoints share: {"error":"not_found","message":"..."}.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "request.h"

namespace peerpulse::admin {

using Json = nlohmann::ordered_json;

/// As text on one line; invalid UTF-8 becomes U+FFFD.
std::string toText(const Json& json);
Response jsonResponse(const Json& json, int status = 200);
Response errorResponse(int status, const std::string& error, const std::string& message);

}  // namespace peerpulse::admin
