// Disk: one directory that holds chunks.
//
//   DIR/chunks/<path>   finished chunks (payload + ChunkTrailer)
//   DIR/tmp/<n>         uploads under way; emptied when the disk is opened
//
// Both lie on one file system, so a finished upload becomes visible by one rename, whole or not at all. The
// directory is locked: a second process on it is refused.
//
// Threading: everything may be called from any thread, and blocks: not for event loops.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>

#include "peerpulse/base/fd.h"
#include "peerpulse/base/result.h"
#include "storage_node/file_ops.h"

namespace peerpulse::storage_node {

struct DiskOptions {
  /// Data, names and new directories are on the medium before a write is acknowledged.
  bool sync = true;
  /// Free bytes to leave on the file system: with less, writes fail with ENOSPC.
  uint64_t reserve = 0;
};

class Disk {
 public:
  /// `directory` must exist: a missing one is a missing mount, not an empty disk.
  static Result<std::unique_ptr<Disk>> open(std::string name, const std::string& directory,
                                            const DiskOptions& options, FileOps& ops);

  const std::string& name() const { return name_; }
  const DiskOptions& options() const { return options_; }
  FileOps& ops() { return ops_; }
  int chunksFd() const { return chunks_.get(); }
  int tempFd() const { return temp_.get(); }

  std::string nextTempName();
  /// Error ENOSPC when less than the reserve is free.
  Result<void> checkReserve() const;
  bool exists(const std::string& path) const;
  /// The directory a chunk lies in, made (durably) if it is missing.
  Result<Fd> makeParent(const std::string& path);
  /// Removes a chunk, durably. Error ENOENT when there is none.
  Result<void> remove(const std::string& path);
  /// fsync of a directory, unless syncing is off.
  Result<void> syncDirectory(int fd);

 private:
  Disk(std::string name, const DiskOptions& options, FileOps& ops)
      : name_(std::move(name)), options_(options), ops_(ops) {}
  Result<void> openDirectories(const std::string& directory);
  Result<void> emptyTemp();
  Result<Fd> openSubdirectory(int parent, const std::string& segment, bool create);

  std::string name_;
  DiskOptions options_;
  FileOps& ops_;
  Fd root_;  // also carries the lock
  Fd chunks_;
  Fd temp_;
  std::atomic<uint64_t> nextTemp_{0};
  // Makers of directories hold it exclusively until the new name is durable, so that who finds a directory
  // may rely on it. It guards what is on the disk and no member: nothing for thread_annotations.h.
  std::shared_mutex directoryMutex_;
};

}  // namespace peerpulse::storage_node
