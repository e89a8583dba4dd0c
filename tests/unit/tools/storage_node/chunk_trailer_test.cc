#include "storage_node/chunk_trailer.h"

#include <cerrno>

#include <doctest/doctest.h>

using peerpulse::storage_node::ChunkTrailer;

TEST_CASE("ChunkTrailer: what is encoded is decoded") {
  const ChunkTrailer trailer{0x0102030405060708, 0xAABBCCDD};
  const auto decoded = ChunkTrailer::decode(trailer.encode(), trailer.length + ChunkTrailer::kSize);
  REQUIRE(decoded);
  CHECK(decoded->length == trailer.length);
  CHECK(decoded->crc == trailer.crc);
}

TEST_CASE("ChunkTrailer: the layout is fixed") {
  const auto bytes = ChunkTrailer{5, 0xC9994D3F}.encode();
  CHECK(std::string(bytes.begin(), bytes.begin() + 8) == "PPCHUNK1");
  CHECK(bytes[8] == 5);
  CHECK(bytes[9] == 0);
  CHECK(bytes[16] == 0x3F);
  CHECK(bytes[19] == 0xC9);
}

TEST_CASE("ChunkTrailer: every flipped bit is noticed") {
  const auto good = ChunkTrailer{1234, 5678}.encode();
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bytes = good;
    bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] ^ (1U << (bit % 8)));
    const auto decoded = ChunkTrailer::decode(bytes, 1234 + ChunkTrailer::kSize);
    CAPTURE(bit);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == EBADMSG);
  }
}

TEST_CASE("ChunkTrailer: a length that is not the file's is refused") {
  const auto bytes = ChunkTrailer{100, 1}.encode();
  CHECK_FALSE(ChunkTrailer::decode(bytes, 100));
  CHECK_FALSE(ChunkTrailer::decode(bytes, 123));
  CHECK_FALSE(ChunkTrailer::decode(bytes, 125));
  CHECK_FALSE(ChunkTrailer::decode(bytes, 0));
  CHECK(ChunkTrailer::decode(bytes, 124));
}
