// Goal: reads share blocks without ever writing over bytes somebody still holds.
#include "peerpulse/net/read_blocks.h"

#include <cstring>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include "peerpulse/base/buffer.h"

using namespace peerpulse;
using net::ReadBlocks;

namespace {
void read(ReadBlocks& blocks, const std::string& bytes, Buffer& out) {
  iovec entries[ReadBlocks::kMaxBlocks];
  const int count = blocks.reserve(bytes.size(), entries);
  size_t done = 0;
  for (int i = 0; i < count && done < bytes.size(); ++i) {
    const size_t n = std::min(entries[i].iov_len, bytes.size() - done);
    std::memcpy(entries[i].iov_base, bytes.data() + done, n);
    done += n;
  }
  REQUIRE(done == bytes.size());
  ReadBlocks::Received received;
  const size_t slices = blocks.commit(bytes.size(), received);
  for (size_t i = 0; i < slices; ++i)
    out.append(std::move(received[i]));
}
}  // namespace

TEST_CASE("read_blocks: small reads share one block") {
  ReadBlocks blocks;
  Buffer a, b;
  read(blocks, "first", a);
  read(blocks, "second", b);
  CHECK(b.takeFront().data() == a.takeFront().data() + 5);
}

TEST_CASE("read_blocks: a block nobody holds is filled again") {
  ReadBlocks blocks;
  Buffer a;
  read(blocks, "first", a);
  const uint8_t* at = a.takeFront().data();
  Buffer b;
  read(blocks, "second", b);
  CHECK(b.takeFront().data() == at);
}

TEST_CASE("read_blocks: bytes that are held stay as they were read") {
  ReadBlocks blocks;
  std::minstd_rand random(3);
  Buffer held;
  std::string model;
  for (int i = 0; i < 500; ++i) {
    const std::string bytes(random() % 200'000 + 1, static_cast<char>('a' + i % 26));
    read(blocks, bytes, held);
    model += bytes;
    if (random() % 3 == 0) {
      const size_t n = random() % (model.size() + 1);
      held.drain(n);
      model.erase(0, n);
    }
    if (model.size() > 4'000'000) {
      REQUIRE(held.toString() == model);
      held.clear();
      model.clear();
    }
  }
  CHECK(held.toString() == model);
}

TEST_CASE("read_blocks: no more room than asked for where that is the most") {
  ReadBlocks blocks;
  Buffer held;
  for (int i = 0; i < 100; ++i) {
    iovec entries[ReadBlocks::kMaxBlocks];
    const int count = blocks.reserve(256 * 1024, entries, 70'000);
    size_t room = 0;
    for (int k = 0; k < count; ++k)
      room += entries[k].iov_len;
    REQUIRE(room == 70'000);
    ReadBlocks::Received received;
    const size_t slices = blocks.commit(room, received);
    for (size_t k = 0; k < slices; ++k)
      held.append(std::move(received[k]));
    CHECK(held.size() == static_cast<size_t>(i + 1) * 70'000);
  }
}
