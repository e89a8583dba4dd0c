#include "file_ops.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

namespace peerpulse::storage_node {

int FileOps::openAt(int directory, const char* path, int flags, mode_t mode) {
  return ::openat(directory, path, flags, mode);
}

ssize_t FileOps::writev(int fd, const iovec* entries, int count) { return ::writev(fd, entries, count); }

ssize_t FileOps::pread(int fd, void* to, size_t n, off_t offset) { return ::pread(fd, to, n, offset); }

int FileOps::fdatasync(int fd) { return ::fdatasync(fd); }

int FileOps::fsync(int fd) { return ::fsync(fd); }

int FileOps::mkdirAt(int directory, const char* path, mode_t mode) { return ::mkdirat(directory, path, mode); }

int FileOps::unlinkAt(int directory, const char* path) { return ::unlinkat(directory, path, 0); }

int FileOps::rename(int fromDirectory, const char* from, int toDirectory, const char* to, bool replace) {
  return ::renameat2(fromDirectory, from, toDirectory, to, replace ? 0U : unsigned{RENAME_NOREPLACE});
}

}  // namespace peerpulse::storage_node
