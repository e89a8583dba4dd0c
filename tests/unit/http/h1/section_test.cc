#include "h1/section.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::http::h1 {
namespace {

struct Parsed {
  std::string fault;
  Section section;
  SectionBudget budget;
  HeaderList fields;
  std::string text() const {
    std::string all;
    for (size_t i = 0; i < fields.count(); ++i)
      all.append(fields.at(i).name).append("=").append(fields.at(i).value).append(";");
    return all;
  }
};

Parsed parse(std::string_view lines, SectionOf message = SectionOf::kRequest) {
  Parsed parsed;
  const CodecLimits limits;
  if (auto fault = parseHeaderLines(lines, message, limits, parsed.budget, parsed.section, parsed.fields)) {
    parsed.fault = fault->detail;
  }
  return parsed;
}

TEST_CASE("section: framing apart, the rest in order, values trimmed") {
  const std::string_view lines = "Host: a\r\nX: \t1 \r\nContent-Length: 5\r\nx:\r\nExpect: 100-continue\r\n";
  const Parsed p = parse(lines);
  CHECK(p.fault == "");
  CHECK(p.text() == "X=1;Content-Length=5;x=;Expect=100-continue;");
  CHECK(p.section.host.value == "a");
  CHECK(p.section.contentLength.value == "5");
  CHECK(p.section.expect.count == 1);
  CHECK(p.budget.count == 5);
  CHECK(parse(lines, SectionOf::kResponse).text() == "Host=a;X=1;Content-Length=5;x=;Expect=100-continue;");
}

TEST_CASE("section: what Connection names goes no further, wherever it stands") {
  const Parsed p = parse(
      "x-hop: 1\r\nConnection: X-Hop , close\r\nX-HOP: 2\r\nclose: 3\r\nconnection: ,other\r\nOther: 4\r\ny: 5\r\n");
  CHECK(p.text() == "y=5;");
  CHECK(p.section.connection.close);
  CHECK_FALSE(p.section.connection.keepAlive);
  CHECK(parse("Connection: a b\r\n").fault == "malformed Connection");
  CHECK(parse("Connection: x, Content-Length\r\n").fault == "Connection names a field that must stay");
  CHECK(parse("Keep-Alive: 5\r\nProxy-Connection: x\r\nHTTP2-Settings: y\r\nTransfer-Encoding: chunked\r\n").text() ==
        "");
}

TEST_CASE("section: TE and Upgrade are read, not copied") {
  const Parsed p =
      parse("TE: gzip, Trailers\r\nUpgrade: h2c, websocket\r\nConnection: TE, upgrade\r\nUpgrade: x/1\r\n");
  CHECK(p.text() == "te=trailers;");
  CHECK(p.section.upgrade == "websocket, x/1");
  CHECK(parse("Upgrade: websocket\r\n").section.upgrade == "");
  CHECK(parse("TE: trailers\r\n", SectionOf::kResponse).text() == "");
}

TEST_CASE("section: what is no field") {
  CHECK(parse("no colon\r\n").fault == "field without colon");
  CHECK(parse("a : b\r\n").fault == "field name is no token");
  CHECK(parse(": b\r\n").fault == "field name is no token");
  CHECK(parse("content_length: 1\r\n").fault == "field name imitates a framing field");
}

TEST_CASE("section: trailers share the budget and lose what may not trail") {
  CodecLimits limits;
  limits.maxHeaderCount = 3;
  SectionBudget budget{1, 0};
  HeaderList fields;
  CHECK_FALSE(parseTrailerLines("x-sum: 1\r\nContent-Length: 5\r\n", limits, budget, fields));
  CHECK(fields.count() == 1);
  CHECK(fields.find("x-sum") == "1");
  const auto fault = parseTrailerLines("y: 1\r\n", limits, budget, fields);
  REQUIRE(fault);
  CHECK(fault->status == 431);
}

}  // namespace
}  // namespace peerpulse::http::h1
