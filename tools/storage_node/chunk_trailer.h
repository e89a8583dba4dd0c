// ChunkTrailer: the last 24 bytes of a chunk file, after the payload. A trailer and not a header, so that a
// chunk is written in one pass whether or not its length was known at the start.
//
//   offset  0  magic   8 bytes "PPCHUNK1"
//           8  length  8 bytes little endian, of the payload
//          16  crc     4 bytes little endian, CRC32C of the payload
//          20  check   4 bytes little endian, CRC32C of the 20 bytes before it
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "peerpulse/base/result.h"

namespace peerpulse::storage_node {

struct ChunkTrailer {
  static constexpr size_t kSize = 24;
  using Bytes = std::array<uint8_t, kSize>;

  uint64_t length = 0;
  uint32_t crc = 0;

  Bytes encode() const;
  /// `fileSize` is what the file has in all; a trailer that does not fit it is an error (code EBADMSG).
  static Result<ChunkTrailer> decode(const Bytes& bytes, uint64_t fileSize);
};

}  // namespace peerpulse::storage_node
