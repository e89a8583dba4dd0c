// Goal: what was sent comes back byte for byte and in front of what still waits, or not at all.
#include "peerpulse/upstream/replay_buffer.h"

#include <string>

#include <doctest/doctest.h>

using namespace peerpulse;
using upstream::ReplayBuffer;

namespace {
Buffer bufferOf(std::string_view text) {
  Buffer buffer;
  if (!text.empty()) buffer.append(Slice::copyOf(text));
  return buffer;
}
}  // namespace

TEST_CASE("replay buffer: what was sent is put before what waits") {
  ReplayBuffer replay(100);
  replay.keep(Slice::copyOf("one "));
  replay.keep(Slice::copyOf("two "));
  Buffer body = bufferOf("three");
  replay.restoreTo(body);
  CHECK(body.toString() == "one two three");
}

TEST_CASE("replay buffer: nothing sent, nothing waiting") {
  ReplayBuffer replay(100);
  Buffer body;
  replay.restoreTo(body);
  CHECK(body.empty());
  CHECK(replay.whole());
  Buffer waiting = bufferOf("waits");
  replay.restoreTo(waiting);
  CHECK(waiting.toString() == "waits");
}

TEST_CASE("replay buffer: restored, it begins again: the second attempt is kept as the first was") {
  ReplayBuffer replay(100);
  replay.keep(Slice::copyOf("abc"));
  for (int attempt = 0; attempt < 3; ++attempt) {
    Buffer body;
    replay.restoreTo(body);
    CHECK(body.toString() == "abc");
    CHECK(replay.whole());
    while (!body.empty())
      replay.keep(body.takeFront(2));
  }
}

TEST_CASE("replay buffer: exactly the limit is kept, a byte more is not") {
  ReplayBuffer replay(6);
  replay.keep(Slice::copyOf("123"));
  replay.keep(Slice::copyOf("456"));
  CHECK(replay.whole());
  replay.keep(Slice::copyOf(""));
  CHECK(replay.whole());
  replay.keep(Slice::copyOf("7"));
  CHECK_FALSE(replay.whole());
  replay.keep(Slice());
  CHECK_FALSE(replay.whole());
}

TEST_CASE("replay buffer: with a limit of nothing only a request without a body can be sent again") {
  ReplayBuffer replay(0);
  CHECK(replay.whole());
  replay.keep(Slice::copyOf("x"));
  CHECK_FALSE(replay.whole());
}

TEST_CASE("replay buffer: given up, it lets go of the memory at once") {
  Block* block = Block::create(1000);
  {
    const Slice whole(BlockRef::adopt(block), block->data(), 1000);
    ReplayBuffer replay(10'000);
    replay.keep(whole.sub(0, 500));
    replay.keep(whole.sub(500, 500));
    CHECK_FALSE(block->unique());
    SUBCASE("by its owner") { replay.giveUp(); }
    SUBCASE("by its limit") { replay.keep(Slice::copyOf(std::string(9001, 'x'))); }
    CHECK(block->unique());  // only `whole` is left
    CHECK_FALSE(replay.whole());
  }
}
