#include "chunk_reader.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

#include "peerpulse/base/assert.h"

namespace peerpulse::storage_node {

Result<ChunkReader> ChunkReader::open(Disk& disk, const std::string& path) {
  // O_NONBLOCK: whatever somebody put there (a FIFO), opening it must not hang.
  Fd fd(disk.ops().openAt(disk.chunksFd(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0));
  if (!fd.valid()) return systemError("open", errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return systemError("fstat", errno);
  if (!S_ISREG(info.st_mode)) return systemError("not a chunk", ENOENT);
  const auto fileSize = static_cast<uint64_t>(info.st_size);
  if (fileSize < ChunkTrailer::kSize) return Error{"corrupt chunk: the file is shorter than a trailer", EBADMSG};

  ChunkReader reader(disk.ops(), std::move(fd));
  ChunkTrailer::Bytes bytes{};
  if (auto got = reader.readAt(bytes.data(), bytes.size(), fileSize - bytes.size()); !got) return got.error();
  auto trailer = ChunkTrailer::decode(bytes, fileSize);
  if (!trailer) return trailer.error();
  reader.trailer_ = *trailer;
  return reader;
}

Result<void> ChunkReader::readAt(uint8_t* to, size_t n, uint64_t offset) {
  while (n > 0) {
    const ssize_t got = ops_->pread(fd_.get(), to, n, static_cast<off_t>(offset));
    if (got < 0) {
      if (errno == EINTR) continue;
      return systemError("read", errno);
    }
    if (got == 0) return Error{"corrupt chunk: the file ends early", EBADMSG};
    to += got;
    offset += static_cast<uint64_t>(got);
    n -= static_cast<size_t>(got);
  }
  return {};
}

Result<void> ChunkReader::read(uint8_t* to, size_t n) {
  PP_ASSERT(n <= remaining());
  if (auto got = readAt(to, n, offset_); !got) return got;
  crc_.update(to, n);
  offset_ += n;
  if (remaining() == 0 && crc_.value() != trailer_.crc) {
    return Error{"corrupt chunk: the checksum is wrong", EBADMSG};
  }
  return {};
}

}  // namespace peerpulse::storage_node
