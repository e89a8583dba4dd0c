#include "reader.h"

#include <algorithm>

#include "environment.h"
#include "fields.h"
#include "links.h"
#include "object_reader.h"
#include "presets.h"

namespace peerpulse::config {

namespace {

constexpr size_t kMaxPeers = 1024;
constexpr size_t kMaxRoutes = 256;
constexpr size_t kMaxErasureSets = 1024;

/// Reads ahead the one key that decides the defaults of others. Errors are reported when it is read in its
/// turn.
void peek(const Json& document, const std::string& pointer, const std::vector<Field>& fields) {
  const Json::json_pointer at(pointer);
  const auto field = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.pointer == pointer; });
  ErrorList ignored;
  if (field != fields.end() && document.contains(at)) readField(*field, document.at(at), pointer, ignored);
}

/// Notes `source` for every field whose value `change` changes.
template <typename Change>
void changeFrom(const std::string& source, const std::vector<Field>& fields, Config& config, Change change) {
  std::vector<Json> before;
  before.reserve(fields.size());
  for (const Field& field : fields)
    before.push_back(writeField(field));
  change();
  for (size_t i = 0; i < fields.size(); ++i) {
    if (writeField(fields[i]) != before[i]) config.sources[fields[i].pointer] = source;
  }
}

void require(const std::vector<Field>& fields, const ObjectReader& reader, const std::string& prefix,
             const std::string& key, ErrorList& errors) {
  const std::string pointer = prefix + "/" + key;
  if (reader.seen().count(pointer) == 0) errors.add(prefix + ": missing key \"" + key + "\"");
}

/// The array at `key`, or nothing (with an error) when it is no array or too long.
const Json* arrayAt(const Json& document, const char* key, size_t limit, ErrorList& errors) {
  if (!document.contains(key)) return nullptr;
  const Json& array = document.at(key);
  const std::string pointer = std::string("/") + key;
  if (!array.is_array()) {
    errors.add(pointer, describe(array), "an array");
    return nullptr;
  }
  if (array.size() > limit) {
    errors.add(pointer, std::to_string(array.size()) + " entries", "at most " + std::to_string(limit));
    return nullptr;
  }
  return &array;
}

void readRoutes(const Json& document, Config& config, ErrorList& errors) {
  const Json* array = arrayAt(document, "routes", kMaxRoutes, errors);
  if (array == nullptr) return;
  config.sources["/routes"] = "file";
  config.proxy.routes.clear();
  for (size_t i = 0; i < array->size(); ++i) {
    const std::string prefix = "/routes/" + std::to_string(i);
    proxy::Route& route = config.proxy.routes.emplace_back();
    const std::vector<Field> fields = fieldsOf(route, prefix);
    ObjectReader reader(fields, {}, errors);
    reader.read((*array)[i], prefix);
    if (!(*array)[i].is_object()) continue;
    require(fields, reader, prefix, "name", errors);
    require(fields, reader, prefix, "class", errors);
  }
  const auto matchesAll = [](const proxy::Route& r) {
    return r.method.empty() && (r.pathPrefix.empty() || r.pathPrefix == "/") && r.contentTypePrefix.empty();
  };
  if (config.proxy.routes.empty() || !matchesAll(config.proxy.routes.back())) {
    config.proxy.routes.push_back(defaultRoute());
  }
}

void readErasureSets(const Json& document, Config& config, ErrorList& errors) {
  const Json* array = arrayAt(document, "erasure_sets", kMaxErasureSets, errors);
  if (array == nullptr) return;
  config.api.erasureSets.resize(array->size());
  for (size_t i = 0; i < array->size(); ++i) {
    const std::string prefix = "/erasure_sets/" + std::to_string(i);
    const std::vector<Field> fields = fieldsOf(config.api.erasureSets[i], prefix);
    ObjectReader reader(fields, {}, errors);
    reader.read((*array)[i], prefix);
    for (const std::string& pointer : reader.seen())
      config.sources[pointer] = "file";
    if (!(*array)[i].is_object()) continue;
    require(fields, reader, prefix, "name", errors);
    require(fields, reader, prefix, "disks", errors);
  }
}

void readPeer(const Json& json, size_t i, Config& config, ErrorList& errors) {
  const std::string prefix = "/peers/" + std::to_string(i);
  proxy::PeerOptions& peer = config.proxy.peers[i];
  Profile& profile = config.peerProfiles[i];
  peer.id = PeerId{static_cast<uint32_t>(i)};
  peer.onDead = config.onDead;
  peer.mode = config.guard.mode;
  peer.probe = config.probe;
  peer.tls = config.tlsUpstream;
  peer.tlsDownstream = config.tlsDownstream;
  peer.source = config.upstreamSource;
  peer.link.mode = config.link.mode;
  profile = config.profile;

  const std::vector<Field> fields = fieldsOf(peer, profile, prefix);
  ObjectReader reader(fields, {}, errors);
  if (json.is_object() && json.contains(Json::json_pointer("/probe/profile"))) {
    const std::vector<Field> own = fieldsOf(peer, profile, "");
    peek(json, "/probe/profile", own);
    changeFrom(std::string("profile ") + toString(profile), fields, config,
               [&] { applyProfile(profile, peer.probe); });
  }
  reader.read(json, prefix);
  for (const std::string& pointer : reader.seen())
    config.sources[pointer] = "file";
  if (!json.is_object()) return;
  for (const char* key : {"name", "address"})
    require(fields, reader, prefix, key, errors);
  // Who has no listener of his own is called by his address, where there is a listener for that.
  if (reader.seen().count(prefix + "/transparent") == 0) {
    peer.transparent = config.transparent.enabled() && guard::carries(peer.mode) && peer.listen.family() == AF_UNSPEC;
  }
  if (guard::carries(peer.mode) && !peer.transparent) require(fields, reader, prefix, "listen", errors);
  completeLink(config, peer);
}

void readPeers(const Json& document, Config& config, ErrorList& errors) {
  if (!document.contains("peers")) {
    errors.add("/: missing key \"peers\"");
    return;
  }
  const Json* array = arrayAt(document, "peers", kMaxPeers, errors);
  if (array == nullptr) return;
  if (array->empty()) errors.add("/peers", "an empty array", "at least one peer");
  config.proxy.peers.resize(array->size());
  config.peerProfiles.resize(array->size());
  for (size_t i = 0; i < array->size(); ++i)
    readPeer((*array)[i], i, config, errors);
  addStore(config);
}

}  // namespace

void readConfig(const Json& document, const Environment& environment, Config& config, ErrorList& errors) {
  const std::vector<Field> fields = fieldsOf(config);
  peek(document, "/preset", fields);
  const std::string preset = std::string("preset ") + toString(config.preset);
  changeFrom(preset, fields, config, [&] { applyPreset(config.preset, config); });
  config.sources["/routes"] = preset;
  peek(document, "/probe/profile", fields);
  changeFrom(std::string("profile ") + toString(config.profile), fields, config,
             [&] { applyProfile(config.profile, config.probe); });

  ObjectReader reader(fields, {"/peers", "/routes", "/erasure_sets"}, errors);
  reader.read(document, "");
  for (const std::string& pointer : reader.seen())
    config.sources[pointer] = "file";
  readRoutes(document, config, errors);
  readPeers(document, config, errors);
  readErasureSets(document, config, errors);
  applyEnvironment(environment, fields, config, errors);
  config.api.zone = config.zone;
  if (config.upstreamMark != 0 && config.sources.count("/guard/mark") == 0) {
    config.guard.mark = config.upstreamMark;  // our own sockets have one
    config.sources["/guard/mark"] = "/upstream/mark";
  }
}

}  // namespace peerpulse::config
