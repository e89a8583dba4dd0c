#include "h1/output_queue.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::http::h1 {
namespace {

TEST_CASE("OutputQueue: tells how much of what left was body, wherever it is cut") {
  for (size_t step = 1; step < 20; ++step) {
    OutputQueue queue;
    std::string expected;
    size_t body = 0;
    for (int i = 0; i < 100; ++i) {
      queue.text("head");
      queue.body(Slice::copyOf("body!"));
      queue.body(Slice::copyOf("more"));
      expected += "headbody!more";
      body += 9;
    }
    std::string got;
    size_t sent = 0;
    while (!queue.empty()) {
      Buffer out;
      sent += queue.produce(out, step);
      CHECK(out.size() <= step);
      const std::string piece = out.toString();
      got += piece;
      size_t ofBody = 0;  // so far: each 13 bytes are 4 of head and 9 of body
      ofBody = got.size() / 13 * 9 + (got.size() % 13 > 4 ? got.size() % 13 - 4 : 0);
      CHECK(sent == ofBody);
    }
    CHECK(got == expected);
    CHECK(sent == body);
  }
}

TEST_CASE("OutputQueue: nothing goes into a full buffer, and nothing is left after clear()") {
  OutputQueue queue;
  queue.body(Slice::copyOf("body"));
  Buffer full;
  full.append("xxxx");
  CHECK(queue.produce(full, 4) == 0);
  CHECK(full.size() == 4);
  queue.clear();
  CHECK(queue.empty());
  queue.text("t");
  Buffer out;
  CHECK(queue.produce(out, 10) == 0);
  CHECK(out.toString() == "t");
}

}  // namespace
}  // namespace peerpulse::http::h1
