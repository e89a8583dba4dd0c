#include "memory_size.h"

#include <algorithm>
#include <fstream>

namespace peerpulse::server {

namespace {

/// Of the only number in a file; "max", or no such file: no limit.
uint64_t limitIn(const std::string& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  return file >> value ? value : UINT64_MAX;
}

/// The least of a group and those above it.
uint64_t leastLimit(const std::string& mount, std::string group, const char* name) {
  uint64_t least = UINT64_MAX;
  while (true) {
    least = std::min(least, limitIn(mount + group + "/" + name));
    const size_t slash = group.rfind('/');
    if (group.empty() || slash == std::string::npos) return least;
    group.erase(slash);
  }
}

uint64_t groupLimit(const std::string& root) {
  uint64_t least = UINT64_MAX;
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // number:controllers:path
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    if (controllers == ",,") least = std::min(least, leastLimit(root + "/sys/fs/cgroup", path, "memory.max"));
    if (controllers.find(",memory,") != std::string::npos) {
      least = std::min(least, leastLimit(root + "/sys/fs/cgroup/memory", path, "memory.limit_in_bytes"));
    }
  }
  return least;
}

uint64_t hostMemory(const std::string& root) {
  std::ifstream file(root + "/proc/meminfo");
  std::string word;
  uint64_t kib = 0;
  while (file >> word) {
    if (word == "MemTotal:") return file >> kib ? kib * 1024 : 0;
  }
  return 0;
}

}  // namespace

uint64_t memorySize(const std::string& root) {
  const uint64_t host = hostMemory(root);
  const uint64_t group = groupLimit(root);
  if (host == 0) return group == UINT64_MAX ? 0 : group;
  return std::min(host, group);
}

uint64_t memoryLimitOf(uint64_t configured, uint64_t size) {
  constexpr uint64_t kLeast = uint64_t{64} * 1024 * 1024;
  return configured != 0 ? configured : std::max(size / 4, kLeast);
}

}  // namespace peerpulse::server
