// CRC32C (Castagnoli, RFC 3720 appendix B.4) over a stream of byte runs, computed by ISA-L (SSE4.2 where the
// CPU has it).
//
// Threading: a value; no sharing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace peerpulse::tools {

class Crc32c {
 public:
  void update(const void* bytes, size_t n);
  /// Of everything so far; more may follow.
  uint32_t value() const { return ~state_; }

 private:
  uint32_t state_ = 0xFFFF'FFFF;
};

}  // namespace peerpulse::tools
