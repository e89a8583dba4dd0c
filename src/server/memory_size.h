// MemorySize: how much memory this process may use at most: the host's, or less where its cgroup (v2, or the memory controller of
// v1), or one above it, has a limit.
//
// Threading: before the workers. Reads files.
#pragma once

#include <cstdint>
#include <string>

namespace peerpulse::server {

/// Bytes; 0: not known. `root`: in front of the paths, for tests.
uint64_t memorySize(const std::string& root = "");
/// `configured`, or where that is 0 a quarter of `size`: the rest is the store's, beside which we run. Not below 64 MiB.
uint64_t memoryLimitOf(uint64_t configured, uint64_t size);

}  // namespace peerpulse::server
