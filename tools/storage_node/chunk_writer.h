// ChunkWriter: one chunk on its way to a disk: temporary file, payload, trailer, sync, rename.
//
//   New --open()--> Open --append()*--> Open --commit()--> Committed
//   any --abort(), destructor--> Aborted: nothing of it is left on the disk
//
// Threading: one call at a time, on any thread; each blocks.
#pragma once

#include <cstdint>
#include <string>
#include <sys/uio.h>

#include "common/crc32c.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/base/result.h"
#include "storage_node/disk.h"

namespace peerpulse::storage_node {

class ChunkWriter {
 public:
  /// `disk` must outlive this. Without `overwrite` an existing chunk makes open() or commit() fail with
  /// EEXIST.
  ChunkWriter(Disk& disk, std::string path, bool overwrite);
  ~ChunkWriter();
  ChunkWriter(const ChunkWriter&) = delete;
  ChunkWriter& operator=(const ChunkWriter&) = delete;

  Result<void> open();
  /// Writes all of it. `entries` is used up (changed).
  Result<void> append(iovec* entries, int count);
  Result<void> commit();
  void abort();

  /// After open(): there was a chunk under this path.
  bool replaces() const { return replaces_; }
  uint64_t length() const { return length_; }
  uint32_t crc() const { return crc_.value(); }

 private:
  Result<void> writeAll(iovec* entries, int count);
  Result<void> publish();

  Disk& disk_;
  std::string path_;
  bool overwrite_;
  bool replaces_ = false;
  std::string tempName_;
  Fd fd_;  // valid while Open
  tools::Crc32c crc_;
  uint64_t length_ = 0;
};

}  // namespace peerpulse::storage_node
