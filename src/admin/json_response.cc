#include "json_response.h"

namespace peerpulse::admin {

std::string toText(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Response jsonResponse(const Json& json, int status) {
  return {.status = status, .contentType = "application/json", .body = toText(json) + "\n"};
}

Response errorResponse(int status, const std::string& error, const std::string& message) {
  return jsonResponse({{"error", error}, {"message", message}}, status);
}

}  // namespace peerpulse::admin
