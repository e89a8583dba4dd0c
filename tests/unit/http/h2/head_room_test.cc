#include "h2/head_room.h"

#include <string>

#include <doctest/doctest.h>

#include "../test_peers.h"
#include "frames.h"

namespace peerpulse::http {
namespace {

using h2::HeadRoom;
using namespace test;

TEST_CASE("HeadRoom: what was paid for in bytes is no excess") {
  CHECK(HeadRoom::excessOf(HeadRoom::kFree, 0) == 0);
  CHECK(HeadRoom::excessOf(HeadRoom::kFree + 800, 100) == 0);
  CHECK(HeadRoom::excessOf(HeadRoom::kFree + 801, 100) == 1);
}

TEST_CASE("HeadRoom: the sum is bounded, and given back") {
  HeadRoom room;
  constexpr size_t kPart = HeadRoom::kMostExcess / 4;
  for (int i = 0; i < 4; ++i) {
    REQUIRE(room.fits(kPart));
    room.hold(kPart);
  }
  CHECK_FALSE(room.fits(1));
  CHECK(room.fits(0));
  room.giveBack(kPart);
  CHECK(room.fits(kPart));
  CHECK_FALSE(room.fits(kPart + 1));
}

/// A request with one field of 4,000 bytes, put into the dynamic table by the first and named `times` by each other.
std::string bomb(uint32_t id, int times) {
  std::string section = fields("");
  if (id == 1) {
    section += '\x40';
    section +=
        std::string(1, 6) + "x-bomb" + "\x7f" + '\xa1' + '\x1e' + std::string(4000, 'b');  // 127 + 33 + 30 * 128
  } else {
    section.append(static_cast<size_t>(times), '\xbe');
  }
  return frame(kHeaders, kEndStream | kEndHeaders, id, section);
}

TEST_CASE("h2: heads that hold far more than was sent for them are refused, as a sum over the streams") {
  ServerOwner owner;
  const auto codec = createH2ServerCodec(owner, CodecLimits());
  REQUIRE(codec->receive(Slice::copyOf(kPreface)));
  constexpr uint32_t kStreams = 100;
  for (uint32_t i = 0; i < kStreams; ++i)
    REQUIRE(codec->receive(Slice::copyOf(bomb(2 * i + 1, 15))));
  size_t kept = 0;
  size_t refused = 0;
  for (const auto& request : owner.requests) {
    kept += request->request.headers.listSize();
    if (request->text().starts_with("bad:431")) ++refused;
  }
  CHECK(owner.requests.size() == kStreams);  // those that are within the room, and an answer for each other
  CHECK(kept <= HeadRoom::kMostExcess + kStreams * (HeadRoom::kFree + HeadRoom::kRatio * 200));
  CHECK(refused > kStreams / 2);
  CHECK(owner.requests.front()->text() == "GET / end");
}

TEST_CASE("h2: small heads that repeat themselves are not refused, however many there are") {
  ServerOwner owner;
  const auto codec = createH2ServerCodec(owner, CodecLimits());
  REQUIRE(codec->receive(Slice::copyOf(kPreface)));
  for (uint32_t i = 0; i < 1000; ++i) {
    std::string section = fields("");
    // A token of 900 bytes, put into the table once: 961 bytes a request for one.
    section += i == 0 ? std::string("\x40\x06x-auth\x7f\x85\x06", 11) + std::string(900, 't') : std::string("\xbe");
    REQUIRE(codec->receive(Slice::copyOf(frame(kHeaders, kEndStream | kEndHeaders, 2 * i + 1, section))));
  }
  REQUIRE(owner.requests.size() == 1000);
  for (const auto& request : owner.requests)
    REQUIRE(request->text() == "GET / end");
}

}  // namespace
}  // namespace peerpulse::http
