#include "chunk_trailer.h"

#include <cerrno>
#include <cstring>

#include "common/crc32c.h"

namespace peerpulse::storage_node {

namespace {

constexpr char kMagic[] = {'P', 'P', 'C', 'H', 'U', 'N', 'K', '1'};
constexpr size_t kLengthAt = 8;
constexpr size_t kCrcAt = 16;
constexpr size_t kCheckAt = 20;

template <typename T>
void putLittleEndian(uint8_t* at, T value) {
  for (size_t i = 0; i < sizeof value; ++i)
    at[i] = static_cast<uint8_t>(value >> (8 * i));
}

template <typename T>
T getLittleEndian(const uint8_t* at) {
  T value = 0;
  for (size_t i = 0; i < sizeof value; ++i)
    value |= static_cast<T>(at[i]) << (8 * i);
  return value;
}

uint32_t checkOf(const ChunkTrailer::Bytes& bytes) {
  tools::Crc32c crc;
  crc.update(bytes.data(), kCheckAt);
  return crc.value();
}

}  // namespace

ChunkTrailer::Bytes ChunkTrailer::encode() const {
  Bytes bytes{};
  std::memcpy(bytes.data(), kMagic, sizeof kMagic);
  putLittleEndian(bytes.data() + kLengthAt, length);
  putLittleEndian(bytes.data() + kCrcAt, crc);
  putLittleEndian(bytes.data() + kCheckAt, checkOf(bytes));
  return bytes;
}

Result<ChunkTrailer> ChunkTrailer::decode(const Bytes& bytes, uint64_t fileSize) {
  if (std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) return Error{"corrupt chunk: no trailer", EBADMSG};
  if (getLittleEndian<uint32_t>(bytes.data() + kCheckAt) != checkOf(bytes)) {
    return Error{"corrupt chunk: the trailer's own checksum is wrong", EBADMSG};
  }
  ChunkTrailer trailer;
  trailer.length = getLittleEndian<uint64_t>(bytes.data() + kLengthAt);
  trailer.crc = getLittleEndian<uint32_t>(bytes.data() + kCrcAt);
  if (fileSize < kSize || trailer.length != fileSize - kSize) {
    return Error{"corrupt chunk: the file's size is not the recorded length", EBADMSG};
  }
  return trailer;
}

}  // namespace peerpulse::storage_node
