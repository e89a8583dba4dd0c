#include "h1/message_writer.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::http::h1 {
namespace {

std::string written(OutputQueue& out, size_t body) {
  Buffer bytes;
  CHECK(out.produce(bytes, SIZE_MAX) == body);
  return bytes.toString();
}

TEST_CASE("MessageWriter: a length is kept or the message is broken") {
  OutputQueue out;
  MessageWriter writer;
  writer.start({SendKind::kLength, 3});
  CHECK(writer.data(out, Slice::copyOf("ab")));
  CHECK_FALSE(writer.end(out, HeaderList()));
  CHECK_FALSE(writer.data(out, Slice::copyOf("cd")));
  CHECK(writer.data(out, Slice::copyOf("c")));
  CHECK(writer.end(out, HeaderList()));
  CHECK(written(out, 3) == "abc");
}

TEST_CASE("MessageWriter: chunks, and raw bytes") {
  OutputQueue out;
  MessageWriter writer;
  writer.start({SendKind::kChunked, 0});
  CHECK(writer.data(out, Slice::copyOf(std::string(26, 'x'))));
  CHECK(writer.data(out, Slice()));
  CHECK(writer.end(out, HeaderList()));
  CHECK(written(out, 26) == "1a\r\n" + std::string(26, 'x') + "\r\n0\r\n\r\n");
  for (const SendKind kind : {SendKind::kUntilClose, SendKind::kTunnel}) {
    writer.start({kind, 0});
    CHECK(writer.hasBody());
    CHECK(writer.data(out, Slice::copyOf("raw")));
    CHECK(writer.end(out, HeaderList()));
    CHECK(written(out, 3) == "raw");
  }
  writer.start({});
  CHECK_FALSE(writer.hasBody());
}

}  // namespace
}  // namespace peerpulse::http::h1
