#include "handlers.h"

namespace peerpulse::admin {

Response handleConfig(const Context& context, const Request&) {
  return {.contentType = "application/json", .body = context.sources.effectiveConfig + "\n"};
}

}  // namespace peerpulse::admin
