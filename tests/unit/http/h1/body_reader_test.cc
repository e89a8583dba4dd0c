#include "h1/body_reader.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::http::h1 {
namespace {

struct Reader {
  explicit Reader(const std::string& fields) : body(limits) {
    const std::string text = "HTTP/1.1 200 OK\r\n" + fields;
    ParsedResponse parsed;
    CHECK_FALSE(parseResponse({text, 8}, limits, {}, parsed));
    CHECK_FALSE(body.start(text + "\r\n", parsed));
  }
  /// The pieces of `text`, then what is left of it.
  std::string read(const std::string& text) {
    Slice in = Slice::copyOf(text);
    std::string all;
    for (Slice piece = body.next(in); !piece.empty(); piece = body.next(in))
      all.append(piece.view()).append("|");
    if (body.done()) all.append("done");
    if (body.fault() != nullptr) all.append(body.fault()->detail);
    return all.append(" ").append(in.view());
  }
  CodecLimits limits;
  BodyReader body;
};

TEST_CASE("BodyReader: a length") {
  Reader r("Content-Length: 5\r\n");
  CHECK(r.read("ab") == "ab| ");
  CHECK_FALSE(r.body.endOfFile());
  CHECK(r.read("cdeHTTP") == "cde|done HTTP");
  CHECK(r.read("more") == "done more");
}

TEST_CASE("BodyReader: chunks and trailers") {
  Reader r("Transfer-Encoding: chunked\r\n");
  CHECK(r.read("2\r\nab\r\n1\r\nc\r\n0\r\nx-sum: 1\r\n") == "ab|c| ");
  CHECK(r.read("\r\nHTTP") == "done HTTP");
  CHECK(r.body.takeTrailers().find("x-sum") == "1");
  CHECK(r.body.takeTrailers().empty());
  Reader bad("Transfer-Encoding: chunked\r\n");
  CHECK(bad.read("2\r\nabX") == "ab|chunk data without CRLF X");
  CHECK_FALSE(bad.body.endOfFile());
}

TEST_CASE("BodyReader: until the end of file, and raw after a 101") {
  Reader r("");
  CHECK(r.read("0\r\n\r\n") == "0\r\n\r\n| ");
  CHECK(r.body.endOfFile());
  Reader t("Content-Length: 0\r\n");
  CHECK(t.body.done());
  t.body.becomeTunnel();
  CHECK(t.read("raw") == "raw| ");
  CHECK(t.body.endOfFile());
}

TEST_CASE("BodyReader: small pieces are copied, large ones share the read") {
  for (const size_t size : {size_t{100}, size_t{10'000}}) {
    Reader r("Content-Length: " + std::to_string(size) + "\r\n");
    Slice in = Slice::copyOf(std::string(size, 'x'));
    const uint8_t* begin = in.data();
    const Slice piece = r.body.next(in);
    CHECK(piece.size() == size);
    CHECK((piece.data() == begin) == (size > 2048));
  }
}

}  // namespace
}  // namespace peerpulse::http::h1
