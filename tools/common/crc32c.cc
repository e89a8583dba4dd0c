#include "crc32c.h"

#include <algorithm>

#include <climits>
#include <isa-l/crc.h>

namespace peerpulse::tools {

void Crc32c::update(const void* bytes, size_t n) {
  // ISA-L takes a non-const pointer and an int length; it only reads.
  auto* at = const_cast<unsigned char*>(static_cast<const unsigned char*>(bytes));
  while (n > 0) {
    const size_t part = std::min<size_t>(n, INT_MAX);
    state_ = crc32_iscsi(at, static_cast<int>(part), state_);
    at += part;
    n -= part;
  }
}

}  // namespace peerpulse::tools
