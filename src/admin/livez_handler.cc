#include "handlers.h"
#include "json_response.h"

namespace peerpulse::admin {

Response handleLivez(const Context&, const Request&) { return jsonResponse({{"status", "ok"}}); }

}  // namespace peerpulse::admin
