#include "answer_room.h"

#include <memory>
#include <vector>

#include <doctest/doctest.h>

namespace peerpulse::proxy {
namespace {

constexpr size_t kWindow = size_t{512} * 1024;
constexpr uint64_t kReader = uint64_t{16} * 1024 * 1024;  // has taken so much

TEST_CASE("AnswerRoom: a client that has taken nothing holds little, however many streams it has") {
  AnswerRoom room;
  std::vector<std::unique_ptr<AnswerRoom::Share>> shares;
  size_t sum = 0;
  for (int i = 0; i < 1000; ++i) {
    shares.push_back(std::make_unique<AnswerRoom::Share>(room));
    shares.back()->grow(kWindow, 0);
    CHECK(shares.back()->bytes() <= AnswerRoom::kFirstOfStream);
    sum += shares.back()->bytes();
  }
  CHECK(sum == AnswerRoom::kFirst);
  CHECK(room.used() == AnswerRoom::kFirst);
  CHECK(shares.back()->bytes() == 0);
  shares.erase(shares.begin());
  CHECK(shares.back()->grow(kWindow, 0));  // what one gave back is another's
  shares.clear();
  CHECK(room.used() == 0);
}

TEST_CASE("AnswerRoom: a stream gets what its client can take, and no more than that") {
  AnswerRoom room;
  AnswerRoom::Share share(room);
  CHECK_FALSE(share.grow(0, kReader));
  CHECK(share.grow(1000, kReader));
  CHECK(share.bytes() == 1000);
  CHECK_FALSE(share.grow(999, kReader));  // it only grows
  CHECK(share.bytes() == 1000);
}

TEST_CASE("AnswerRoom: room grows as the client takes what it asked for, up to a bound") {
  AnswerRoom room;
  AnswerRoom::Share one(room);
  one.grow(kWindow, 0);
  CHECK(one.bytes() == AnswerRoom::kFirstOfStream);
  CHECK(one.grow(kWindow, 100'000));
  CHECK(one.bytes() == AnswerRoom::kFirstOfStream + 200'000);
  CHECK(one.grow(kWindow, 1'000'000));
  CHECK(one.bytes() == kWindow);
  std::vector<std::unique_ptr<AnswerRoom::Share>> others;
  for (int i = 0; i < 100; ++i) {
    others.push_back(std::make_unique<AnswerRoom::Share>(room));
    others.back()->grow(kWindow, kReader);
  }
  CHECK(room.used() == AnswerRoom::kMost);
}

TEST_CASE("AnswerRoom: what was released is not given back again") {
  AnswerRoom room;
  {
    AnswerRoom::Share share(room);
    share.grow(1000, kReader);
    share.release();
    CHECK(room.used() == 0);
    AnswerRoom::Share other(room);
    other.grow(500, kReader);
    share.release();
    CHECK(room.used() == 500);
  }
  CHECK(room.used() == 0);
}

}  // namespace
}  // namespace peerpulse::proxy
