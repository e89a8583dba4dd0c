// Goal: messages are read where they begin, and a checksum is what the receiver expects.
#include "peerpulse/net/icmp.h"

#include <array>
#include <vector>

#include <doctest/doctest.h>

namespace peerpulse::net {
namespace {

struct Message {
  IcmpHeader header;
  uint64_t token = 0;
};

std::vector<std::byte> bytesOf(const Message& message, size_t before = 0, uint8_t first = 0) {
  std::vector<std::byte> bytes(before + sizeof message);
  if (before > 0) bytes[0] = std::byte{first};
  std::memcpy(bytes.data() + before, &message, sizeof message);
  return bytes;
}

TEST_CASE("icmp: the checksum of RFC 1071") {
  const std::array<uint8_t, 8> example{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};  // its section 3
  const std::array<uint8_t, 2> expected{0x22, 0x0d};                                     // the complement of dd f2
  const uint16_t sum = internetChecksum(example.data(), example.size());
  CHECK(std::memcmp(&sum, expected.data(), sizeof sum) == 0);
  Message message{{8, 0, 0, 7, 9}, 0x0123456789abcdef};
  message.header.checksum = internetChecksum(&message, sizeof message);
  CHECK(internetChecksum(&message, sizeof message) == 0);  // as the receiver checks it
}

TEST_CASE("icmp: with the header of IP, of any length, and without") {
  const Message message{{0, 0, 0, 7, 9}, 42};
  const auto plain = bytesOf(message);
  CHECK(parseIcmp<Message>(plain.data(), plain.size(), false)->token == 42);
  for (const uint8_t words : {uint8_t{5}, uint8_t{15}}) {
    const auto bytes = bytesOf(message, words * 4U, static_cast<uint8_t>(0x40 | words));
    CHECK(parseIcmp<Message>(bytes.data(), bytes.size(), true)->token == 42);
    CHECK_FALSE(parseIcmp<Message>(bytes.data(), bytes.size() - 1, true).has_value());
  }
  CHECK_FALSE(parseIcmp<Message>(plain.data(), plain.size() - 1, false).has_value());
  CHECK_FALSE(parseIcmp<Message>(plain.data(), 0, true).has_value());
  const auto lies = bytesOf(message, 20, 0x4f);
  CHECK_FALSE(parseIcmp<Message>(lies.data(), lies.size(), true).has_value());
}

}  // namespace
}  // namespace peerpulse::net
