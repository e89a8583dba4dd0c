// Goal: parts of one piece go on as parts that are not small, in order, and whole; what came whole goes on at once.
#include "piece_joiner.h"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "erratic.h"
#include "small_frame.h"

namespace peerpulse::http {
namespace {

/// What goes on of one piece that comes in `parts`: the bytes of each delivery, which one frame takes.
std::vector<std::string> deliveries(const std::vector<std::string>& parts) {
  size_t left = 0;
  for (const std::string& part : parts)
    left += part.size();
  PieceJoiner joiner;
  std::vector<std::string> all;
  for (const std::string& part : parts) {
    left -= part.size();
    std::string together;
    for (const Slice& piece : joiner.take(Slice::copyOf(part), left))
      together.append(piece.view());
    if (!together.empty()) all.push_back(std::move(together));
  }
  CHECK(joiner.empty());
  return all;
}

TEST_CASE("PieceJoiner: what came whole goes on at once, and shares its memory") {
  PieceJoiner joiner;
  CHECK(deliveries({"x"}) == std::vector<std::string>{"x"});
  const Slice big = Slice::copyOf(std::string(5000, 'b'));
  const auto pieces = joiner.take(big, 0);
  CHECK(pieces[0].empty());
  CHECK(pieces[1].data() == big.data());
}

TEST_CASE("PieceJoiner: of the part before, as much waits as the last one lacks") {
  const auto got = deliveries({std::string(16'370, 'a'), std::string(14, 'b')});
  REQUIRE(got.size() == 2);
  CHECK(got[0].size() == 16'128);
  CHECK(got[1] == std::string(242, 'a') + std::string(14, 'b'));
  CHECK(deliveries({std::string(14, 'a'), std::string(16'370, 'b')}).size() == 1);
  CHECK(deliveries({std::string(1000, 'a'), std::string(1000, 'b')}).size() == 2);
}

TEST_CASE("PieceJoiner: any parts of any piece") {
  test::Dice dice(7);
  for (int round = 0; round < 3000; ++round) {
    const size_t size = 1 + dice.roll(round % 2 == 0 ? 700 : 20'000);
    std::string whole;
    std::vector<std::string> parts;
    while (whole.size() < size) {
      const size_t n = std::min<size_t>(size - whole.size(), 1 + dice.roll(dice.roll(3) == 0 ? 20'000 : 300));
      parts.emplace_back(n, static_cast<char>('a' + parts.size() % 26));
      whole += parts.back();
    }
    std::string got;
    for (const std::string& each : deliveries(parts)) {
      CHECK(each.size() >= std::min(size, kSmallFrame));
      got += each;
    }
    CHECK(got == whole);
  }
}

TEST_CASE("PieceJoiner: little waits, and what nobody wants is forgotten") {
  PieceJoiner joiner;
  size_t given = 0;
  size_t gone = 0;
  for (int i = 0; i < 2000; ++i) {
    ++given;
    for (const Slice& piece : joiner.take(Slice::copyOf("x"), 100'000))
      gone += piece.size();
    CHECK(given - gone < 2 * kSmallFrame);
  }
  CHECK(gone > 0);
  CHECK_FALSE(joiner.empty());
  CHECK(joiner.finish().size() == given - gone);
  CHECK(joiner.empty());
  joiner.take(Slice::copyOf("x"), 10);
  joiner.clear();
  CHECK(joiner.finish().empty());
}

}  // namespace
}  // namespace peerpulse::http
