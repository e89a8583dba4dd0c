#include "h1/chunk_lint.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::http::h1 {
namespace {

TEST_CASE("ChunkLint: lets through one chunk's data at a time") {
  const CodecLimits limits;
  ChunkLint lint(limits);
  std::string_view in = "3;x\r\nabc\r\n2\r\nde\r\n0\r\nx: y\r\n\r\n";
  std::string pieces;
  while (!lint.inTrailers()) {
    const size_t n = lint.feed(in);
    REQUIRE(n > 0);
    pieces.append(in.substr(0, n)).append("|");
    in.remove_prefix(n);
  }
  CHECK(pieces == "3;x\r\nabc|\r\n2\r\nde|\r\n0\r\n|");
  CHECK((lint.feedTrailers(in) == HeadScanner::Status::kComplete));
  CHECK(lint.trailers().lines().text == "x: y\r\n");
  CHECK(in.empty());
}

TEST_CASE("ChunkLint: stops before the byte that is wrong, and begins anew") {
  const CodecLimits limits;
  ChunkLint lint(limits);
  CHECK(lint.feed("3\r\nabcX") == 6);
  CHECK_FALSE(lint.fault());
  CHECK(lint.feed("X") == 0);
  REQUIRE(lint.fault());
  lint.restart();
  CHECK_FALSE(lint.fault());
  CHECK(lint.feed("0\r\n") == 3);
  CHECK(lint.inTrailers());
}

TEST_CASE("ChunkLint: extensions are bounded over the whole message") {
  CodecLimits limits;
  limits.maxChunkExtension = 4;
  ChunkLint lint(limits);
  size_t chunks = 0;
  for (; !lint.fault() && chunks < 100; ++chunks) {
    lint.feed("1;abcd\r\nx");
    lint.feed("\r\n");
  }
  CHECK(chunks == 17);  // 16 x 4 bytes
}

}  // namespace
}  // namespace peerpulse::http::h1
