#include "h1/chunk_lint.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::http::h1 {
namespace {

/// What llhttp sees of `in`, piece by piece, up to a fault.
std::string shown(ChunkLint& lint, std::string_view& in) {
  std::string pieces;
  while (!in.empty() && !lint.inTrailers() && !lint.fault()) {
    const ChunkLint::Taken taken = lint.feed(in);
    if (taken.shown && taken.size > 0) pieces.append(in.substr(0, taken.size)).append("|");
    in.remove_prefix(taken.size);
  }
  return pieces;
}

TEST_CASE("ChunkLint: lets through one chunk's data at a time, without extensions") {
  const CodecLimits limits;
  ChunkLint lint(limits);
  std::string_view in = "3;x\r\nabc\r\n2\r\nde\r\n0\r\nx: y\r\n\r\n";
  CHECK(shown(lint, in) == "3|\r\nabc|\r\n2\r\nde|\r\n0\r\n|");
  CHECK((lint.feedTrailers(in) == HeadScanner::Status::kComplete));
  CHECK(lint.trailers().lines().text == "x: y\r\n");
  CHECK(in.empty());
}

TEST_CASE("ChunkLint: stops before the byte that is wrong, and begins anew") {
  const CodecLimits limits;
  ChunkLint lint(limits);
  CHECK(lint.feed("3\r\nabcX").size == 6);
  CHECK_FALSE(lint.fault());
  CHECK(lint.feed("X").size == 0);
  REQUIRE(lint.fault());
  lint.restart();
  CHECK_FALSE(lint.fault());
  CHECK(lint.feed("0\r\n").size == 3);
  CHECK(lint.inTrailers());
}

TEST_CASE("ChunkLint: extensions are bounded over the whole message") {
  CodecLimits limits;
  limits.maxChunkExtension = 4;
  ChunkLint lint(limits);
  size_t chunks = 0;
  for (; !lint.fault() && chunks < 100; ++chunks) {
    std::string_view chunk = "1;abcd\r\nx\r\n";
    shown(lint, chunk);
  }
  CHECK(chunks == 17);  // 16 x 4 bytes
}

}  // namespace
}  // namespace peerpulse::http::h1
