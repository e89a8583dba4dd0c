// Goal: slices share the bytes they show, and the bytes live as long as one of them.
#include "peerpulse/base/slice.h"

#include <cstring>
#include <utility>

#include <doctest/doctest.h>

#include "../../support/aborts.h"

using namespace peerpulse;
using peerpulse::test::aborts;

TEST_CASE("slice: parts share the block, the block lives as long as a part") {
  Slice part;
  {
    Slice whole = Slice::copyOf("hello world");
    part = whole.sub(6, 5);
    CHECK(part.data() == whole.data() + 6);
    CHECK(whole.subAt(whole.data() + 2, 3).view() == "llo");
  }
  CHECK(part.view() == "world");
}

TEST_CASE("slice: a block is unique while one reference is left") {
  BlockRef block = BlockRef::adopt(Block::create(16));
  CHECK(block->capacity() == 16);
  CHECK(block->unique());
  {
    std::memcpy(block->data(), "0123456789abcdef", 16);
    const Slice slice(block, block->data(), 4);
    CHECK_FALSE(block->unique());
    const Slice copy = slice;
    CHECK(copy.view() == "0123");
  }
  CHECK(block->unique());
  const BlockRef moved = std::move(block);
  CHECK(moved->unique());
}

TEST_CASE("slice: the front can be dropped, up to all of it") {
  Slice slice = Slice::copyOf("abc");
  slice.removePrefix(2);
  CHECK(slice.view() == "c");
  slice.removePrefix(1);
  CHECK(slice.empty());
  CHECK(Slice::copyOf("").empty());
}

TEST_CASE("slice: what is not in it cannot be taken from it") {
  const Slice slice = Slice::copyOf("abc");
  CHECK(aborts([&] { (void)slice.sub(1, 3); }));
  CHECK(aborts([&] { (void)slice.sub(4, 0); }));
  CHECK(aborts([&] { (void)slice.sub(1, SIZE_MAX); }));
  CHECK(aborts([&] { (void)slice.subAt(slice.data() + 1, 3); }));
  CHECK(aborts([&] { Slice(slice).removePrefix(4); }));
  CHECK(slice.sub(3, 0).empty());
}
