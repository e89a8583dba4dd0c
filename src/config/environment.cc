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

enum class Unit : uint8_t { kSeconds, kMilliseconds, kCount };

struct Variable {
  const char* name;
  Unit unit;
  std::vector<std::string> pointers;
};

const std::vector<Variable>& variables() {
  static const std::vector<Variable> kVariables = {
      {"RUSTFS_CONNECT_TIMEOUT",
       Unit::kSeconds,
       {"/timeouts/control/connect", "/timeouts/bulk/connect", "/timeouts/stream/connect"}},
      {"RUSTFS_RPC_TIMEOUT", Unit::kSeconds, {"/timeouts/control/request"}},
      {"RUSTFS_PEER_TIMEOUT", Unit::kSeconds, {"/api/peer_timeout"}},
      {"RUSTFS_TCP_KEEPALIVE", Unit::kSeconds, {"/tcp/keepalive_idle"}},
      {"RUSTFS_HTTP2_KEEPALIVE_INTERVAL", Unit::kSeconds, {"/probe/interval"}},
      {"RUSTFS_HTTP2_KEEPALIVE_TIMEOUT", Unit::kSeconds, {"/probe/suspect_after"}},
      {"RUSTFS_MAX_RETRIES", Unit::kCount, {"/retry/max_retries"}},
      {"RUSTFS_RETRY_BACKOFF_MS", Unit::kMilliseconds, {"/retry/backoff"}},
      {"RUSTFS_POOL_IDLE_TIMEOUT", Unit::kSeconds, {"/pool/idle_timeout"}},
      {"RUSTFS_POOL_MAX_IDLE_PER_HOST", Unit::kCount, {"/pool/max_idle_per_peer"}},
      {"RUSTFS_CIRCUIT_BREAKER_THRESHOLD", Unit::kCount, {"/circuit/failure_threshold"}},
      {"RUSTFS_CIRCUIT_BREAKER_TIMEOUT", Unit::kSeconds, {"/circuit/open_for"}},
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
    if (pointer == "/circuit/failure_threshold") probe.failureThreshold = config.probe.failureThreshold;
    if (pointer == "/circuit/open_for") probe.openFor = config.probe.openFor;
    config.sources.erase("/peers/" + std::to_string(i) + pointer);
  }
}

void applyVariable(const Variable& variable, const std::string& text, const std::vector<Field>& fields,
                   Config& config, ErrorList& errors) {
  const std::optional<Json> value = toJson(text, variable.unit);
  if (!value) {
    errors.add(std::string("environment ") + variable.name, describe(Json(text)), describeUnit(variable.unit));
    return;
  }
  for (const Field& field : fields) {
    if (std::find(variable.pointers.begin(), variable.pointers.end(), field.pointer) == variable.pointers.end()) {
      continue;
    }
    readField(field, *value, std::string("environment ") + variable.name + " (" + field.pointer + ")", errors);
    config.sources[field.pointer] = std::string("env ") + variable.name;
    setForPeers(field.pointer, config);
  }
  config.environment.push_back({variable.name, text, variable.pointers});
}

/// RustFS's keepalive timeout is shorter than its interval by default (5 s and 3 s), because it counts from a
/// PING; silence counts from the last sign of life and can only be judged after a few intervals.
void stretchSilence(Config& config) {
  constexpr const char* kInterval = "env RUSTFS_HTTP2_KEEPALIVE_INTERVAL";
  constexpr const char* kTimeout = "env RUSTFS_HTTP2_KEEPALIVE_TIMEOUT";
  const auto sourceOf = [&](const char* pointer) {
    const auto at = config.sources.find(pointer);
    return at == config.sources.end() ? std::string() : at->second;
  };
  const bool fromInterval = sourceOf("/probe/interval") == kInterval;
  if (!fromInterval && sourceOf("/probe/suspect_after") != kTimeout) return;
  const char* source = fromInterval ? kInterval : kTimeout;
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
    if (!text.starts_with("RUSTFS_") || equals == std::string_view::npos) continue;
    found.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return found;
}

void applyEnvironment(const Environment& environment, const std::vector<Field>& fields, Config& config,
                      ErrorList& errors) {
  for (const Variable& variable : variables()) {
    const auto set = environment.find(variable.name);
    if (set != environment.end()) applyVariable(variable, set->second, fields, config, errors);
  }
  if (errors.empty()) stretchSilence(config);
}

}  // namespace peerpulse::config
