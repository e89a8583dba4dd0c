#include "process_table.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <vector>

namespace peerpulse::cli {

namespace {

std::string procOf(int pid) { return "/proc/" + std::to_string(pid); }

/// The words after "Name:" in /proc/PID/status.
std::vector<std::string> statusField(const HostFiles& files, int pid, const std::string& field) {
  std::istringstream lines(files.read(procOf(pid) + "/status").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(field + ":")) continue;
    std::istringstream words(line.substr(field.size() + 1));
    std::vector<std::string> found;
    for (std::string word; words >> word;)
      found.push_back(word);
    return found;
  }
  return {};
}

/// "unlimited" is the largest number.
uint64_t limitOf(const std::string& word) {
  uint64_t value = UINT64_MAX;
  (void)std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

}  // namespace

std::optional<DescriptorLimit> descriptorLimit(const HostFiles& files, int pid) {
  std::istringstream lines(files.read(procOf(pid) + "/limits").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kHead = "Max open files";
    if (!line.starts_with(kHead)) continue;
    std::istringstream words(line.substr(kHead.size()));
    std::string soft, hard;
    if (!(words >> soft >> hard)) return std::nullopt;
    return DescriptorLimit{limitOf(soft), limitOf(hard), files.list(procOf(pid) + "/fd").size()};
  }
  return std::nullopt;
}

std::optional<bool> hasCapability(const HostFiles& files, int pid, int capability) {
  const auto words = statusField(files, pid, "CapEff");
  if (words.empty()) return std::nullopt;
  uint64_t mask = 0;
  if (std::from_chars(words[0].data(), words[0].data() + words[0].size(), mask, 16).ec != std::errc())
    return std::nullopt;
  return (mask >> capability & 1) != 0;
}

std::optional<bool> mayPing(const HostFiles& files, int pid) {
  std::istringstream range(files.read("/proc/sys/net/ipv4/ping_group_range").value_or(""));
  uint64_t from = 0, to = 0;
  if (!(range >> from >> to)) return std::nullopt;
  std::vector<std::string> groups = statusField(files, pid, "Gid");
  if (groups.size() < 2) return std::nullopt;
  groups = {groups[1]};  // the effective one
  for (const std::string& group : statusField(files, pid, "Groups"))
    groups.push_back(group);
  return std::any_of(groups.begin(), groups.end(), [&](const std::string& group) {
    const uint64_t id = limitOf(group);
    return id >= from && id <= to;
  });
}

std::optional<std::map<std::string, std::string>> environmentOf(const HostFiles& files, int pid) {
  const auto text = files.read(procOf(pid) + "/environ");
  if (!text) return std::nullopt;
  std::map<std::string, std::string> variables;
  std::istringstream entries(*text);
  for (std::string entry; std::getline(entries, entry, '\0');) {
    const size_t equals = entry.find('=');
    if (equals != std::string::npos) variables[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return variables;
}

}  // namespace peerpulse::cli
