// Goal: a Buffer is a queue of bytes that shares memory instead of copying it, whatever the cuts.
#include "peerpulse/base/buffer.h"

#include <random>
#include <string>

#include <doctest/doctest.h>

using namespace peerpulse;

TEST_CASE("buffer: moving a slice through copies nothing") {
  const Slice body = Slice::copyOf(std::string(100'000, 'x'));
  Buffer a, b;
  a.append(body);
  a.moveTo(b);
  CHECK(a.empty());
  const Slice out = b.takeFront();
  CHECK(out.data() == body.data());
  CHECK(out.size() == body.size());
}

TEST_CASE("buffer: neighbouring text becomes one slice, text after a slice does not touch it") {
  Buffer buffer;
  buffer.append("a: b\r\n");
  buffer.append("c: d\r\n");
  CHECK(buffer.sliceCount() == 1);
  const std::string body(1000, 'B');
  buffer.append(Slice::copyOf(body));
  buffer.append("tail");
  CHECK(buffer.sliceCount() == 3);
  CHECK(buffer.toString() == "a: b\r\nc: d\r\n" + body + "tail");
}

TEST_CASE("buffer: a small slice behind text becomes one piece with it, and shares nothing") {
  Buffer buffer;
  buffer.append("content-length: 4\r\n\r\n");
  buffer.append(Slice::copyOf("BODY"));
  CHECK(buffer.sliceCount() == 1);
  CHECK(buffer.toString() == "content-length: 4\r\n\r\nBODY");
  Buffer alone;  // nothing to be joined to: not copied
  const Slice body = Slice::copyOf("BODY");
  alone.append(body);
  CHECK(alone.takeFront().data() == body.data());
}

TEST_CASE("buffer: text appended after a part was taken never overwrites it") {
  Buffer buffer;
  buffer.append("first");
  const Slice first = buffer.takeFront();
  buffer.append("second");
  CHECK(first.view() == "first");
  CHECK(buffer.toString() == "second");
}

TEST_CASE("buffer: behaves as a string queue under random cuts") {
  std::minstd_rand random(7);
  Buffer buffer;
  std::string model;
  int next = 0;
  for (int step = 0; step < 20'000; ++step) {
    const size_t n = random() % 300;
    switch (random() % 5) {
      case 0:
      case 1: {
        std::string text(n, static_cast<char>('a' + next++ % 26));
        random() % 2 == 0 ? buffer.append(text) : buffer.append(Slice::copyOf(text));
        model += text;
        break;
      }
      case 2: {
        const size_t m = std::min(n, model.size());
        buffer.drain(m);
        model.erase(0, m);
        break;
      }
      case 3:
        if (!buffer.empty()) {
          const Slice part = buffer.takeFront(n + 1);
          REQUIRE(part.view() == model.substr(0, part.size()));
          model.erase(0, part.size());
        }
        break;
      default: {
        Buffer other;
        buffer.moveTo(other, n);
        const std::string moved = other.toString();
        REQUIRE(moved == model.substr(0, moved.size()));
        other.append("!");
        model = model.substr(moved.size());
        break;
      }
    }
    REQUIRE(buffer.size() == model.size());
  }
  CHECK(buffer.toString() == model);
}

TEST_CASE("buffer: iovecs describe the front in order and within the capacity") {
  Buffer buffer;
  for (const char* text : {"one", "two", "three"})
    buffer.append(Slice::copyOf(text));
  iovec entries[2];
  REQUIRE(buffer.fillIovecs(entries, 2) == 2);
  CHECK(std::string(static_cast<char*>(entries[1].iov_base), entries[1].iov_len) == "two");
}
