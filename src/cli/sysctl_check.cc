#include "sysctl_check.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

namespace peerpulse::cli {

namespace {

/// What one number of a setting has to be.
struct Wish {
  const char* key;
  const char* value;  ///< as conf/99-peerpulse-sysctl.conf sets it (tests compare)
  size_t field;       ///< which number of the setting counts
  bool atLeast;       ///< else at most
  int64_t bound;      ///< what is as good
  const char* without;
};

constexpr Wish kWishes[] = {
    {"net.ipv4.neigh.default.retrans_time_ms", "50", 0, false, 100,
     "a peer that returns is seen up to a second later"},
    {"net.ipv6.neigh.default.retrans_time_ms", "50", 0, false, 100,
     "a peer that returns is seen up to a second later"},
    {"net.ipv4.tcp_retries2", "8", 0, false, 8, "connections that nobody watches hang for 15 minutes"},
    {"net.ipv4.tcp_mtu_probing", "1", 0, true, 1, "a path that swallows large packets stalls connections for ever"},
    {"net.core.somaxconn", "8192", 0, true, 4096, "bursts of connections are dropped at the accept queue"},
    {"net.ipv4.tcp_max_syn_backlog", "8192", 0, true, 4096,
     "bursts of connections are dropped before they are accepted"},
    {"net.ipv4.ip_local_port_range", "10240 65535", 0, false, 16384, "fewer ports for connections to peers"},
    {"net.ipv4.tcp_tw_reuse", "1", 0, true, 1, "ports of short connections are blocked for a minute each"},
    {"net.ipv4.tcp_slow_start_after_idle", "0", 0, false, 0, "chunks on idle connections begin slowly"},
    {"net.core.rmem_max", "16777216", 0, true, 16777216, "less throughput on long paths"},
    {"net.core.wmem_max", "16777216", 0, true, 16777216, "less throughput on long paths"},
    {"net.ipv4.tcp_rmem", "4096 131072 16777216", 2, true, 6 << 20, "less throughput on long paths"},
    {"net.ipv4.tcp_wmem", "4096 65536 16777216", 2, true, 4 << 20, "less throughput on long paths"},
};

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
    text.pop_back();
  std::replace(text.begin(), text.end(), '\t', ' ');
  return text;
}

std::optional<int64_t> fieldOf(const std::string& text, size_t index) {
  std::istringstream words(text);
  int64_t value = 0;
  for (size_t i = 0; i <= index; ++i) {
    if (!(words >> value)) return std::nullopt;
  }
  return value;
}

/// Where a setting is: a neighbour table has one for each device, and `default` is but for devices to come.
struct Place {
  std::string path;
  std::string device;  ///< empty: there is one for the host
};

std::vector<Place> placesOf(const HostFiles& files, std::string key) {
  std::replace(key.begin(), key.end(), '.', '/');
  const std::string path = "/proc/sys/" + key;
  const size_t at = path.find("/default/");
  if (at == std::string::npos) return {{path, ""}};
  std::vector<Place> places;
  for (const std::string& device : files.list(path.substr(0, at))) {
    if (device == "lo" || device == "default") continue;
    places.push_back({path.substr(0, at + 1) + device + path.substr(at + 8), device});
  }
  return places;
}

/// Nothing: this kernel, or this container, does not have it.
std::optional<Finding> lookAt(const HostFiles& files, const Wish& wish) {
  Finding finding{.severity = Severity::kOk, .check = "sysctl", .where = wish.key, .what = {}, .todo = {}};
  std::string values;
  for (const Place& place : placesOf(files, wish.key)) {
    const auto text = files.read(place.path);
    if (!text) continue;
    const std::string value = trimmed(*text);
    const auto number = fieldOf(value, wish.field);
    const bool good = number && (wish.atLeast ? *number >= wish.bound : *number <= wish.bound);
    if (good && finding.what.empty()) finding.what = value;
    if (good) continue;
    finding.severity = Severity::kAdvice;
    values += (values.empty() ? "" : ", ") + value + (place.device.empty() ? "" : " (" + place.device + ")");
  }
  if (values.empty() && finding.what.empty()) return std::nullopt;
  if (finding.severity == Severity::kOk) return finding;
  finding.what = "is " + values + ": " + wish.without;
  finding.todo = std::string(wish.key) + " = " + wish.value + " (conf/99-peerpulse-sysctl.conf, into /etc/sysctl.d)";
  return finding;
}

}  // namespace

Findings checkSysctls(const HostFiles& files) {
  Findings findings;
  for (const Wish& wish : kWishes) {
    if (auto finding = lookAt(files, wish)) findings.push_back(std::move(*finding));
  }
  return findings;
}

}  // namespace peerpulse::cli
