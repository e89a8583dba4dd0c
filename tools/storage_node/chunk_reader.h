// ChunkReader: reads one chunk in order and proves it: read() hands out the last bytes only when the checksum
// of the whole payload is right, so a corrupt chunk never ends cleanly.
//
// Threading: one call at a time, on any thread; each blocks.
#pragma once

#include <cstdint>
#include <string>

#include "common/crc32c.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/base/result.h"
#include "storage_node/chunk_trailer.h"
#include "storage_node/disk.h"

namespace peerpulse::storage_node {

class ChunkReader {
 public:
  /// Errors: ENOENT; EBADMSG for a file that is no whole chunk; others from the disk.
  static Result<ChunkReader> open(Disk& disk, const std::string& path);

  uint64_t length() const { return trailer_.length; }
  uint32_t crc() const { return trailer_.crc; }
  uint64_t remaining() const { return trailer_.length - offset_; }

  /// Reads the next `n` bytes; requires n <= remaining(). Error EBADMSG when the file ends early or the
  /// checksum is wrong. With nothing to read it only checks.
  Result<void> read(uint8_t* to, size_t n);

 private:
  ChunkReader(FileOps& ops, Fd fd) : ops_(&ops), fd_(std::move(fd)) {}
  Result<void> readAt(uint8_t* to, size_t n, uint64_t offset);

  FileOps* ops_;
  Fd fd_;
  ChunkTrailer trailer_;
  tools::Crc32c crc_;
  uint64_t offset_ = 0;
};

}  // namespace peerpulse::storage_node
