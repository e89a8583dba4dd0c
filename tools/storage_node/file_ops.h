// FileOps: the system calls that can fail for reasons of the disk: the seam where tests make a disk full or
// broken. Each behaves as the call of its name.
//
// Threading: stateless; any thread.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

namespace peerpulse::storage_node {

class FileOps {
 public:
  virtual ~FileOps() = default;
  virtual int openAt(int directory, const char* path, int flags, mode_t mode);
  virtual ssize_t writev(int fd, const iovec* entries, int count);
  virtual ssize_t pread(int fd, void* to, size_t n, off_t offset);
  virtual int fdatasync(int fd);
  virtual int fsync(int fd);
  virtual int mkdirAt(int directory, const char* path, mode_t mode);
  virtual int unlinkAt(int directory, const char* path);
  /// renameat2(); with `replace` false an existing target is EEXIST.
  virtual int rename(int fromDirectory, const char* from, int toDirectory, const char* to, bool replace);
};

}  // namespace peerpulse::storage_node
