#include "disk.h"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <mutex>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <vector>

namespace peerpulse::storage_node {

namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;

}  // namespace

Result<std::unique_ptr<Disk>> Disk::open(std::string name, const std::string& directory, const DiskOptions& options,
                                         FileOps& ops) {
  std::unique_ptr<Disk> disk(new Disk(std::move(name), options, ops));
  if (auto opened = disk->openDirectories(directory); !opened) return opened.error();
  if (auto emptied = disk->emptyTemp(); !emptied) return emptied.error();
  return disk;
}

Result<void> Disk::openDirectories(const std::string& directory) {
  root_ = Fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root_.valid()) return systemError("disk " + name_ + ": cannot open " + directory, errno);
  if (::flock(root_.get(), LOCK_EX | LOCK_NB) != 0) {
    return systemError("disk " + name_ + ": " + directory + " is in use by another process", errno);
  }
  auto chunks = openSubdirectory(root_.get(), "chunks", true);
  if (!chunks) return chunks.error();
  chunks_ = std::move(*chunks);
  auto temp = openSubdirectory(root_.get(), "tmp", true);
  if (!temp) return temp.error();
  temp_ = std::move(*temp);
  return {};
}

// What an earlier run did not finish was never acknowledged.
Result<void> Disk::emptyTemp() {
  Fd listing(::openat(temp_.get(), ".", kDirectoryFlags));
  if (!listing.valid()) return systemError("disk " + name_ + ": tmp", errno);
  DIR* entries = ::fdopendir(listing.get());
  if (entries == nullptr) return systemError("disk " + name_ + ": tmp", errno);
  listing.release();  // closedir() closes it
  Result<void> result;
  while (const dirent* entry = ::readdir(entries)) {  // NOLINT(concurrency-mt-unsafe): a stream of our own
    const std::string_view found = entry->d_name;
    if (found == "." || found == "..") continue;
    if (::unlinkat(temp_.get(), entry->d_name, 0) != 0 && errno != ENOENT) {
      result = systemError("disk " + name_ + ": cannot remove tmp/" + std::string(found), errno);
    }
  }
  ::closedir(entries);
  return result;
}

std::string Disk::nextTempName() { return std::to_string(nextTemp_.fetch_add(1, std::memory_order_relaxed)); }

Result<void> Disk::checkReserve() const {
  if (options_.reserve == 0) return {};
  struct statvfs info {};
  if (::fstatvfs(chunks_.get(), &info) != 0) return systemError("fstatvfs", errno);
  if (uint64_t{info.f_bavail} * info.f_frsize < options_.reserve) {
    return Error{"less than the disk's reserve is free", ENOSPC};
  }
  return {};
}

bool Disk::exists(const std::string& path) const {
  return ::faccessat(chunks_.get(), path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Result<Fd> Disk::openSubdirectory(int parent, const std::string& segment, bool create) {
  if (create && ops_.mkdirAt(parent, segment.c_str(), 0755) != 0 && errno != EEXIST) {
    return systemError("mkdir " + segment, errno);
  }
  Fd fd(ops_.openAt(parent, segment.c_str(), kDirectoryFlags, 0));
  if (!fd.valid()) return systemError("open directory " + segment, errno);
  if (create) {
    if (auto synced = syncDirectory(parent); !synced) return synced.error();
  }
  return fd;
}

Result<Fd> Disk::makeParent(const std::string& path) {
  Fd current(ops_.openAt(chunks_.get(), ".", kDirectoryFlags, 0));
  if (!current.valid()) return systemError("open chunks", errno);
  size_t begin = 0;
  for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', begin)) {
    const std::string segment = path.substr(begin, slash - begin);
    begin = slash + 1;
    Result<Fd> next = Error{};
    {
      const std::shared_lock lock(directoryMutex_);
      next = openSubdirectory(current.get(), segment, false);
    }
    if (!next && next.error().code == ENOENT) {
      const std::unique_lock lock(directoryMutex_);
      next = openSubdirectory(current.get(), segment, true);
    }
    if (!next) return next.error();
    current = std::move(*next);
  }
  return current;
}

Result<void> Disk::remove(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash);
  const std::string leaf = slash == std::string::npos ? path : path.substr(slash + 1);
  const Fd directory(ops_.openAt(chunks_.get(), parent.c_str(), kDirectoryFlags, 0));
  if (!directory.valid()) return systemError("open directory", errno);
  if (ops_.unlinkAt(directory.get(), leaf.c_str()) != 0) return systemError("unlink", errno);
  return syncDirectory(directory.get());
}

Result<void> Disk::syncDirectory(int fd) {
  if (options_.sync && ops_.fsync(fd) != 0) return systemError("fsync of the directory", errno);
  return {};
}

}  // namespace peerpulse::storage_node
