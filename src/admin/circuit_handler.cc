#include <utility>

#include "handlers.h"
#include "json_response.h"
#include "peerpulse/base/duration_text.h"
#include "peerpulse/log/log.h"

namespace peerpulse::admin {

namespace {

using health::CircuitOverride;

constexpr size_t kMaxWhy = 256;

struct Order {
  CircuitOverride change;
  std::string why;
};

/// What is wrong with a body: a JSON pointer and words.
struct Problem {
  std::string pointer;
  std::string message;
};

std::string found(const Json& value) {
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > 80) text = text.substr(0, 80) + "...";
  return "found " + text + ", expected ";
}

std::optional<Problem> readState(const Json& value, Order& order) {
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  if (text == "open") {
    order.change.kind = CircuitOverride::Kind::kOpen;
  } else if (text == "closed") {
    order.change.kind = CircuitOverride::Kind::kClosed;
  } else if (text == "auto") {
    order.change.kind = CircuitOverride::Kind::kAuto;
  } else {
    return Problem{"/state", found(value) + "\"open\", \"closed\" or \"auto\""};
  }
  return std::nullopt;
}

std::optional<Problem> readTtl(const Json& value, Order& order) {
  const auto ttl = value.is_string() ? parseDuration(value.get<std::string>()) : std::nullopt;
  if (!ttl || *ttl <= Duration::zero()) {
    return Problem{"/ttl", found(value) + "a duration above zero such as \"10m\""};
  }
  order.change.ttl = *ttl;
  return std::nullopt;
}

std::optional<Problem> readWhy(const Json& value, Order& order) {
  if (!value.is_string() || value.get_ref<const std::string&>().size() > kMaxWhy) {
    return Problem{"/why", found(value) + "a string of at most 256 bytes"};
  }
  order.why = value.get<std::string>();
  return std::nullopt;
}

std::optional<Problem> readOrder(const std::string& body, Order& order) {
  Json json;
  try {
    json = Json::parse(body);
  } catch (const Json::exception& e) {
    return Problem{"", std::string("the body is not JSON: ") + e.what()};
  }
  if (!json.is_object()) return Problem{"", found(json) + "an object"};
  if (!json.contains("state")) return Problem{"/state", "missing: \"open\", \"closed\" or \"auto\""};
  for (const auto& [key, value] : json.items()) {
    std::optional<Problem> problem;
    if (key == "state") {
      problem = readState(value, order);
    } else if (key == "ttl") {
      problem = readTtl(value, order);
    } else if (key == "why") {
      problem = readWhy(value, order);
    } else {
      problem = Problem{"/" + key, "unknown key; known are state, ttl and why"};
    }
    if (problem) return problem;
  }
  return std::nullopt;
}

}  // namespace

Response handleCircuit(const Context& context, const Request& request) {
  const proxy::PeerOptions* peer = peerOfPath(context, request);
  if (peer == nullptr) return errorResponse(404, "not_found", "there is no peer of that name; /peers lists them");
  Order order;
  if (const auto problem = readOrder(request.body, order)) {
    return jsonResponse({{"error", "bad_request"}, {"pointer", problem->pointer}, {"message", problem->message}},
                        400);
  }
  const char* state = toString(order.change.kind);
  const std::string by = nameOf(context.caller);
  const bool limited = order.change.ttl > Duration::zero();
  const std::string ttl = limited ? formatDuration(order.change.ttl) : "";
  const std::string& name = peer->name;
  log::write(log::Level::kWarn, "operator_override",
             log::Fields().add("peer", name).add("state", state).add("ttl", ttl).add("why", order.why).add("by", by));
  if (!context.sources.overrideCircuit) return errorResponse(503, "unavailable", "overrides are not available");
  if (context.overrides != nullptr) {
    context.overrides->note(peer->id, {order.change, order.why, by, context.now, context.wall});
  }
  context.sources.overrideCircuit(peer->id, order.change, order.why);
  // The prober carries it out on its own thread: /peers/<name> shows it within a turn of its loop.
  return jsonResponse({{"peer", name}, {"state", state}, {"ttl", limited ? Json(ttl) : Json()}, {"why", order.why}});
}

}  // namespace peerpulse::admin
