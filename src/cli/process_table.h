// A process of this host by what /proc says of it. Those of other users are told to root only.
//
// Threading: const functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "host_files.h"
#include "peerpulse/recipe/socket_table.h"

namespace peerpulse::cli {

/// "812 (rustfs)".
inline std::string processText(const recipe::Owner& process) {
  return std::to_string(process.pid) + " (" + process.command + ")";
}

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
