#include "handlers.h"
#include "json_response.h"

namespace peerpulse::admin {

Response handleReadyz(const Context& context, const Request&) {
  Json missing = Json::array();
  if (context.sources.notReady) {
    for (std::string& what : context.sources.notReady())
      missing.push_back(std::move(what));
  }
  for (const proxy::PeerOptions& peer : context.peers()) {
    const auto name = context.sources.name ? context.sources.name(peer.id) : std::nullopt;
    // Whom nobody knows where to find is known for that: a node whose record comes with its start must not keep all others
    // from being ready.
    const bool linked = peer.link.mode != upstream::LinkMode::kOff;  // and found by that
    if (!linked && name && name->answered && name->addresses.empty()) continue;
    if (context.sources.circuits->load(peer.id).verdict == health::Verdict::kUnknown) {
      missing.push_back("peer " + peer.name + " has no verdict yet");
    }
  }
  const bool ready = missing.empty();
  return jsonResponse({{"status", ready ? "ready" : "not_ready"}, {"missing", std::move(missing)}},
                      ready ? 200 : 503);
}

}  // namespace peerpulse::admin
