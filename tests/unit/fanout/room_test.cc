// Goal: what is found room for is what an operation can keep, and a single one always begins.
#include "room.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::fanout;

namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kWindow = kMiB / 2;

http::RequestHead sized(std::optional<uint64_t> length) {
  http::RequestHead head;
  head.contentLength = length;
  return head;
}

}  // namespace

TEST_CASE("room: a body that fits is kept once, as lag and to be sent again") {
  const Options options;
  CHECK(roomFor(sized(1000), 3, options, kWindow) == 1000);
  CHECK(roomFor(sized(16 * kMiB), 3, options, kWindow) == 16 * kMiB);
  CHECK(replayFor(sized(16 * kMiB), options) == 16 * kMiB);
  http::RequestHead none;
  none.complete = true;
  CHECK(roomFor(none, 3, options, kWindow) == 0);
}

TEST_CASE("room: one that does not, or may not, lags behind, and on top of that is sent again and comes unasked") {
  const Options options;
  for (const auto length : {std::optional<uint64_t>(100 * kMiB), std::optional<uint64_t>()}) {
    CHECK(replayFor(sized(length), options) == kReplayOfLarge);
    CHECK(roomFor(sized(length), 3, options, kWindow) == 16 * kMiB + kReplayOfLarge + kWindow);
  }
  CHECK(roomFor(sized(16 * kMiB + 1), 3, options, kWindow) == 16 * kMiB + 1);
}

TEST_CASE("room: each peer has a copy of the head; never more than there is") {
  Options options;
  http::RequestHead head = sized(0);
  head.headers.add("x", std::string(967, 'y'));
  CHECK(roomFor(head, 3, options, kWindow) == 4000);
  options.memory = options.replayLimit = kMiB;
  CHECK(roomFor(sized(std::nullopt), 3, options, kWindow) == kMiB);
}
