#include <algorithm>

#include "fields.h"
#include "json_document.h"
#include "peerpulse/config/config.h"

namespace peerpulse::config {

namespace {

/// A peer's key that was not set has the source of the key it is inherited from.
std::string sourceOf(const Config& config, const std::string& pointer) {
  std::string at = pointer;
  if (pointer.starts_with("/routes/")) at = "/routes";
  auto found = config.sources.find(at);
  if (found == config.sources.end() && pointer.starts_with("/peers/")) {
    found = config.sources.find(pointer.substr(pointer.find('/', std::string_view("/peers/").size())));
  }
  return found == config.sources.end() ? "default" : found->second;
}

void put(const Config& config, const std::vector<Field>& fields, Json& root) {
  for (const Field& field : fields) {
    root[Json::json_pointer(field.pointer)] = {{"value", writeField(field)},
                                               {"source", sourceOf(config, field.pointer)}};
  }
}

}  // namespace

std::string effectiveJson(const Config& config) {
  Config copy = config;  // fields bind to variables, even if only to read them
  Json root = Json::object();
  put(config, fieldsOf(copy), root);
  root["peers"] = Json::array();
  for (size_t i = 0; i < copy.proxy.peers.size(); ++i) {
    if (copy.proxy.peers[i].role == proxy::Role::kStore) continue;  // it is /link
    put(config, fieldsOf(copy.proxy.peers[i], copy.peerProfiles[i], "/peers/" + std::to_string(i)), root);
  }
  root["routes"] = Json::array();
  for (size_t i = 0; i < copy.proxy.routes.size(); ++i) {
    put(config, fieldsOf(copy.proxy.routes[i], "/routes/" + std::to_string(i)), root);
  }
  root["erasure_sets"] = Json::array();
  for (size_t i = 0; i < copy.api.erasureSets.size(); ++i) {
    put(config, fieldsOf(copy.api.erasureSets[i], "/erasure_sets/" + std::to_string(i)), root);
  }
  root["environment"] = Json::array();
  for (const EnvironmentOverride& o : config.environment) {
    root["environment"].push_back({{"name", o.name}, {"value", o.value}, {"sets", o.pointers}});
  }
  root["warnings"] = Json::array();
  for (const Warning& warning : config.warnings)
    root["warnings"].push_back({{"where", warning.where}, {"text", warning.text}});
  return root.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::vector<std::string> knownKeys() {
  Config config;
  proxy::PeerOptions peer;
  proxy::Route route;
  fanout::ErasureSet set;
  Profile profile{};
  std::vector<std::string> keys;
  for (const auto& fields : {fieldsOf(config), fieldsOf(peer, profile, "/peers/*"), fieldsOf(route, "/routes/*"),
                             fieldsOf(set, "/erasure_sets/*")}) {
    for (const Field& field : fields)
      keys.push_back(field.pointer);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace peerpulse::config
