#include "h1/input.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::http::h1 {
namespace {

TEST_CASE("Input: pieces in their order, the front one taken bit by bit") {
  Input input;
  CHECK(input.empty());
  input.append(Slice::copyOf("abc"));
  input.append(Slice::copyOf("de"));
  input.append(Slice());
  CHECK(input.size() == 5);
  std::string got;
  while (!input.empty()) {
    Slice& front = input.front();
    got.append(front.view().substr(0, 1));
    front.removePrefix(1);
  }
  CHECK(got == "abcde");
  input.append(Slice::copyOf("x"));
  input.end();
  CHECK(input.ended());
  CHECK_FALSE(input.empty());
  input.clear();
  CHECK(input.empty());
  CHECK(input.ended());
}

}  // namespace
}  // namespace peerpulse::http::h1
