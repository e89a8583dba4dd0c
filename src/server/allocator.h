// How the process keeps memory: bodies travel in blocks of 64 KiB that come and go at the pace of the traffic, and glibc
// by default gives the end of a heap back to the kernel as soon as 128 KiB of it are free. Then each burst of reads pays
// for page faults again: up to twice the CPU for a GET of 1 MiB, by the luck of where a heap ends.
//
// Threading: before the first thread. See mallopt(3).
#pragma once

#include <cstddef>

namespace peerpulse::server {

/// Free memory at the end of a heap that is kept; what is beyond is given back at once. A heap is a thread's.
constexpr size_t kKeptFreeMemory = 4 * 1024 * 1024;

/// False where the allocator (a sanitizer's) has no such setting: it works all the same.
bool keepFreeMemory();

}  // namespace peerpulse::server
