#include "environment.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <unistd.h>

#include "fields.h"
#include "units.h"

namespace peerpulse::config {

namespace {

constexpr const char* kOwnPrefix = "PEERPULSE_";
constexpr const char* kRustfsPrefix = "RUSTFS_";

enum class Unit : uint8_t { kSeconds, kMilliseconds, kCount };

struct Variable {
  const char* name;
  Unit unit;
  std::vector<std::string> pointers;
};

const std::vector<Variable>& variables() {
  static const std::vector<Variable> kVariables = {
      {"CONNECT_TIMEOUT",
       Unit::kSeconds,
       {"/timeouts/control/connect", "/timeouts/bulk/connect", "/timeouts/stream/connect"}},
      {"RPC_TIMEOUT", Unit::kSeconds, {"/timeouts/control/request"}},
      {"PEER_TIMEOUT", Unit::kSeconds, {"/api/peer_timeout"}},
      {"TCP_KEEPALIVE", Unit::kSeconds, {"/tcp/keepalive_idle"}},
      {"HTTP2_KEEPALIVE_INTERVAL", Unit::kSeconds, {"/probe/interval"}},
      {"HTTP2_KEEPALIVE_TIMEOUT", Unit::kSeconds, {"/probe/suspect_after"}},
      {"MAX_RETRIES", Unit::kCount, {"/retry/max_retries"}},
      {"RETRY_BACKOFF_MS", Unit::kMilliseconds, {"/retry/backoff"}},
      {"POOL_IDLE_TIMEOUT", Unit::kSeconds, {"/pool/idle_timeout"}},
      {"POOL_MAX_IDLE_PER_HOST", Unit::kCount, {"/pool/max_idle_per_peer"}},
      {"CIRCUIT_BREAKER_THRESHOLD", Unit::kCount, {"/circuit/failure_threshold"}},
      {"CIRCUIT_BREAKER_TIMEOUT", Unit::kSeconds, {"/circuit/open_for"}},
  };
  return kVariables;
}

/// `text` as the file would have it, or nothing when it is no number.
std::optional<Json> toJson(const std::string& text, Unit unit) {
  if (unit != Unit::kCount) {
    const std::string duration = text + (unit == Unit::kSeconds ? "s" : "ms");
    // "5m" + "s" must not become five milliseconds.
    if (text.find_first_not_of("0123456789.") != std::string::npos || !parseDuration(duration)) return std::nullopt;
    return Json(duration);
  }
  uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return Json(count);
}

const char* describeUnit(Unit unit) {
  switch (unit) {
    case Unit::kSeconds: return "a number of seconds";
    case Unit::kMilliseconds: return "a number of milliseconds";
    case Unit::kCount: return "a whole number";
  }
  return "a number";
}

/// Gives every peer the value that the environment set for all.
void setForPeers(const std::string& pointer, Config& config) {
  for (size_t i = 0; i < config.proxy.peers.size(); ++i) {
    health::ProbeOptions& probe = config.proxy.peers[i].probe;
    if (pointer == "/probe/interval") probe.interval = config.probe.interval;
    if (pointer == "/probe/suspect_after") probe.suspectAfter = config.probe.suspectAfter;
    const bool counted =
        config.proxy.peers[i].role == proxy::Role::kPeer;  // the own store's failures its peers count
    if (counted && pointer == "/circuit/failure_threshold") probe.failureThreshold = config.probe.failureThreshold;
    if (pointer == "/circuit/open_for") probe.openFor = config.probe.openFor;
    config.sources.erase("/peers/" + std::to_string(i) + pointer);
  }
}

void applyVariable(const Variable& variable, const std::string& name, const std::string& text,
                   const std::vector<Field>& fields, Config& config, ErrorList& errors) {
  const std::optional<Json> value = toJson(text, variable.unit);
  if (!value) {
    errors.add("environment " + name, describe(Json(text)), describeUnit(variable.unit));
    return;
  }
  for (const Field& field : fields) {
    if (std::find(variable.pointers.begin(), variable.pointers.end(), field.pointer) == variable.pointers.end()) {
      continue;
    }
    readField(field, *value, "environment " + name + " (" + field.pointer + ")", errors);
    config.sources[field.pointer] = "env " + name;
    setForPeers(field.pointer, config);
  }
  config.environment.push_back({name, text, variable.pointers});
}

/// A variable by its own prefix, or by RustFS's; "": it is not set.
std::string nameOf(const Variable& variable, const Environment& environment) {
  for (const char* prefix : {kOwnPrefix, kRustfsPrefix}) {
    const std::string name = std::string(prefix) + variable.name;
    if (environment.count(name) > 0) return name;
  }
  return "";
}

/// How long a dead peer is silent before it is called dead.
std::vector<Duration> detectionTimes(const Config& config) {
  std::vector<Duration> times = {config.probe.suspectAfter + config.probe.confirm};
  for (const proxy::PeerOptions& peer : config.proxy.peers)
    times.push_back(peer.probe.suspectAfter + peer.probe.confirm);
  return times;
}

// Who meant RustFS's own channels, and set them for all processes of the host, has made detection as slow as those.
void warnOfSlowDetection(const std::vector<Duration>& asked, Config& config) {
  const std::vector<Duration> now = detectionTimes(config);
  size_t worst = now.size();
  for (size_t i = 0; i < now.size(); ++i) {
    if (now[i] > asked[i] && (worst == now.size() || now[i] - asked[i] > now[worst] - asked[worst])) worst = i;
  }
  if (worst == now.size()) return;
  std::string names;
  for (const EnvironmentOverride& variable : config.environment) {
    if (variable.name.find("HTTP2_KEEPALIVE") == std::string::npos) continue;
    names += (names.empty() ? "" : ", ") + variable.name + "=" + variable.value;
  }
  config.warnings.push_back(
      {"environment " + names,
       "a dead peer is found after " + formatDuration(now[worst]) + " of silence, not after " +
           formatDuration(asked[worst]) +
           " as the file asks; these variables set probe.interval and probe.suspect_after: take them "
           "out of peerpulse's environment unless that is meant"});
}

/// RustFS's keepalive timeout is shorter than its interval by default (5 s and 3 s), because it counts from a
/// PING; silence counts from the last sign of life and can only be judged after a few intervals.
void stretchSilence(Config& config) {
  constexpr const char* kInterval = "HTTP2_KEEPALIVE_INTERVAL";
  constexpr const char* kTimeout = "HTTP2_KEEPALIVE_TIMEOUT";
  const auto sourceOf = [&](const char* pointer) {
    const auto at = config.sources.find(pointer);
    return at == config.sources.end() ? std::string() : at->second;
  };
  const bool fromInterval = sourceOf("/probe/interval").ends_with(kInterval);
  if (!fromInterval && !sourceOf("/probe/suspect_after").ends_with(kTimeout)) return;
  const std::string source = sourceOf(fromInterval ? "/probe/interval" : "/probe/suspect_after");
  if (config.probe.suspectAfter < 2 * config.probe.interval) {
    config.probe.suspectAfter = 3 * config.probe.interval;
    config.sources["/probe/suspect_after"] = source;
  }
  for (size_t i = 0; i < config.proxy.peers.size(); ++i) {
    health::ProbeOptions& probe = config.proxy.peers[i].probe;
    if (probe.suspectAfter >= 2 * probe.interval) continue;
    probe.suspectAfter = 3 * probe.interval;
    config.sources["/peers/" + std::to_string(i) + "/probe/suspect_after"] = source;
  }
}

}  // namespace

Environment processEnvironment() {
  Environment found;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if ((!text.starts_with(kRustfsPrefix) && !text.starts_with(kOwnPrefix)) || equals == std::string_view::npos)
      continue;
    found.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return found;
}

void applyEnvironment(const Environment& environment, const std::vector<Field>& fields, Config& config,
                      ErrorList& errors) {
  const std::vector<Duration> asked = detectionTimes(config);
  for (const Variable& variable : variables()) {
    const std::string name = nameOf(variable, environment);
    if (!name.empty()) applyVariable(variable, name, environment.at(name), fields, config, errors);
  }
  if (!errors.empty()) return;
  stretchSilence(config);
  warnOfSlowDetection(asked, config);
}

}  // namespace peerpulse::config
