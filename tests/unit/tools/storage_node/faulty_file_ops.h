// FaultyFileOps: FileOps whose n-th call of one kind fails, or which take writes only piece by piece.
#pragma once

#include <atomic>
#include <cerrno>
#include <string>

#include "storage_node/file_ops.h"

namespace peerpulse::test {

class FaultyFileOps : public storage_node::FileOps {
 public:
  enum class Call { kNone, kOpen, kWrite, kRead, kFdatasync, kFsync, kMkdir, kUnlink, kRename };

  /// The `nth` call (from 1) of this kind, and every later one, fails with `error`.
  void failFrom(Call call, int nth, int error) {
    failing_ = call;
    countdown_ = nth;
    error_ = error;
  }
  /// One call succeeds less: EINTR first, then at most this many bytes at a time.
  void shortWrites(size_t most) { most_ = most; }

  int openAt(int directory, const char* path, int flags, mode_t mode) override {
    return fails(Call::kOpen) ? -1 : FileOps::openAt(directory, path, flags, mode);
  }
  ssize_t writev(int fd, const iovec* entries, int count) override {
    if (fails(Call::kWrite)) return -1;
    if (most_ == 0) return FileOps::writev(fd, entries, count);
    interrupted_ = !interrupted_;
    if (interrupted_) {
      errno = EINTR;
      return -1;
    }
    const iovec part{entries->iov_base, entries->iov_len < most_ ? entries->iov_len : most_};
    return FileOps::writev(fd, &part, 1);
  }
  ssize_t pread(int fd, void* to, size_t n, off_t offset) override {
    return fails(Call::kRead) ? -1 : FileOps::pread(fd, to, n, offset);
  }
  int fdatasync(int fd) override {
    ++syncs;
    return fails(Call::kFdatasync) ? -1 : FileOps::fdatasync(fd);
  }
  int fsync(int fd) override {
    ++syncs;
    return fails(Call::kFsync) ? -1 : FileOps::fsync(fd);
  }
  int mkdirAt(int directory, const char* path, mode_t mode) override {
    return fails(Call::kMkdir) ? -1 : FileOps::mkdirAt(directory, path, mode);
  }
  int unlinkAt(int directory, const char* path) override {
    return fails(Call::kUnlink) ? -1 : FileOps::unlinkAt(directory, path);
  }
  int rename(int fromDirectory, const char* from, int toDirectory, const char* to, bool replace) override {
    return fails(Call::kRename) ? -1 : FileOps::rename(fromDirectory, from, toDirectory, to, replace);
  }

  int syncs = 0;

 private:
  bool fails(Call call) {
    if (call != failing_ || --countdown_ > 0) return false;
    errno = error_;
    return true;
  }

  Call failing_ = Call::kNone;
  int countdown_ = 0;
  int error_ = 0;
  size_t most_ = 0;
  bool interrupted_ = false;
};

}  // namespace peerpulse::test
