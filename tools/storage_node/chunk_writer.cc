#include "chunk_writer.h"

#include <cerrno>
#include <fcntl.h>

#include "storage_node/chunk_trailer.h"

namespace peerpulse::storage_node {

ChunkWriter::ChunkWriter(Disk& disk, std::string path, bool overwrite)
    : disk_(disk), path_(std::move(path)), overwrite_(overwrite) {}

ChunkWriter::~ChunkWriter() { abort(); }

Result<void> ChunkWriter::open() {
  replaces_ = disk_.exists(path_);
  // commit() decides; this spares the client the upload.
  if (!overwrite_ && replaces_) return systemError("the chunk exists", EEXIST);
  if (auto room = disk_.checkReserve(); !room) return room;
  tempName_ = disk_.nextTempName();
  fd_ = Fd(disk_.ops().openAt(disk_.tempFd(), tempName_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd_.valid()) return systemError("create a temporary file", errno);
  return {};
}

Result<void> ChunkWriter::append(iovec* entries, int count) {
  uint64_t bytes = 0;
  for (int i = 0; i < count; ++i) {
    crc_.update(entries[i].iov_base, entries[i].iov_len);
    bytes += entries[i].iov_len;
  }
  auto written = writeAll(entries, count);
  if (written) length_ += bytes;
  return written;
}

Result<void> ChunkWriter::writeAll(iovec* entries, int count) {
  while (count > 0) {
    const ssize_t n = disk_.ops().writev(fd_.get(), entries, count);
    if (n < 0) {
      if (errno == EINTR) continue;
      return systemError("write", errno);
    }
    auto rest = static_cast<size_t>(n);
    while (count > 0 && rest >= entries->iov_len) {
      rest -= entries->iov_len;
      ++entries;
      --count;
    }
    if (count > 0) {
      entries->iov_base = static_cast<uint8_t*>(entries->iov_base) + rest;
      entries->iov_len -= rest;
    }
  }
  return {};
}

Result<void> ChunkWriter::commit() {
  auto bytes = ChunkTrailer{length_, crc_.value()}.encode();
  iovec entry{bytes.data(), bytes.size()};
  if (auto written = writeAll(&entry, 1); !written) return written;
  // Before the rename: a name must never stand for data that a power cut can still take.
  if (disk_.options().sync && disk_.ops().fdatasync(fd_.get()) != 0) return systemError("fdatasync", errno);
  return publish();
}

Result<void> ChunkWriter::publish() {
  auto parent = disk_.makeParent(path_);
  if (!parent) return parent.error();
  const size_t slash = path_.rfind('/');
  const std::string leaf = slash == std::string::npos ? path_ : path_.substr(slash + 1);
  if (disk_.ops().rename(disk_.tempFd(), tempName_.c_str(), parent->get(), leaf.c_str(), overwrite_) != 0) {
    return systemError("rename", errno);
  }
  fd_.reset();  // from here on there is nothing to abort
  return disk_.syncDirectory(parent->get());
}

void ChunkWriter::abort() {
  if (!fd_.valid()) return;
  fd_.reset();
  // If even this fails the file goes at the next start.
  disk_.ops().unlinkAt(disk_.tempFd(), tempName_.c_str());
}

}  // namespace peerpulse::storage_node
