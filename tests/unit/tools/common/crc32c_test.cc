#include "common/crc32c.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

using peerpulse::tools::Crc32c;

namespace {

uint32_t crcOf(std::string_view bytes) {
  Crc32c crc;
  crc.update(bytes.data(), bytes.size());
  return crc.value();
}

}  // namespace

// The vectors of RFC 3720 B.4 and the usual check value.
TEST_CASE("Crc32c: known values") {
  CHECK(crcOf("") == 0);
  CHECK(crcOf("123456789") == 0xE3069283);
  CHECK(crcOf(std::string(32, '\0')) == 0x8A9136AA);
  CHECK(crcOf(std::string(32, '\xFF')) == 0x62A8AB43);
}

TEST_CASE("Crc32c: any cut gives the same value") {
  std::string text;
  for (int i = 0; i < 300; ++i)
    text.push_back(static_cast<char>(i * 7));
  const uint32_t whole = crcOf(text);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Crc32c crc;
    crc.update(text.data(), cut);
    crc.update(text.data() + cut, text.size() - cut);
    CHECK(crc.value() == whole);
  }
}
