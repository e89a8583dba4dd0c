#include "event_json.h"
#include "handlers.h"

namespace peerpulse::admin {

Response handleEventHistory(const Context& context, const Request&) {
  Json events = Json::array();
  for (const Event& event : context.sources.events->after(0))
    events.push_back(eventJson(*context.sources.stats, event));
  return jsonResponse({{"node", context.sources.node}, {"events", std::move(events)}});
}

}  // namespace peerpulse::admin
