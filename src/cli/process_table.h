// Processes of this host by what /proc says of them. Those of other users are told to root only.
//
// Threading: const functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host_files.h"

namespace peerpulse::cli {

struct Process {
  int pid = 0;
  std::string name;
};

/// Who holds sockets of these inodes; by inode. One look at all descriptors of all processes that may be looked at.
std::map<uint64_t, Process> ownersOf(const HostFiles& files, const std::set<uint64_t>& inodes);

/// "812 (rustfs)".
std::string processText(const Process& process);

struct DescriptorLimit {
  uint64_t soft = 0;
  uint64_t hard = 0;
  size_t open = 0;
};
std::optional<DescriptorLimit> descriptorLimit(const HostFiles& files, int pid);

/// Whether it has that capability (a number of linux/capability.h) now; nothing when it cannot be told.
std::optional<bool> hasCapability(const HostFiles& files, int pid, int capability);
/// Whether it may open ping sockets without one (net.ipv4.ping_group_range).
std::optional<bool> mayPing(const HostFiles& files, int pid);

/// Its environment at its start; nothing when it may not be read.
std::optional<std::map<std::string, std::string>> environmentOf(const HostFiles& files, int pid);

}  // namespace peerpulse::cli
