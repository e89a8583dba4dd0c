#include "h1/start_line.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::http::h1 {
namespace {

int requestFault(std::string_view line) {
  RequestLine out;
  const auto fault = parseRequestLine(line, out);
  return fault ? fault->status : 0;
}

int statusOf(std::string_view line) {
  StatusLine out;
  return parseStatusLine(line, out) ? -1 : out.status;
}

TEST_CASE("start line: requests") {
  RequestLine line;
  REQUIRE_FALSE(parseRequestLine("PUT /a%20b?c HTTP/1.0", line));
  CHECK(line.method == "PUT");
  CHECK(line.target == "/a%20b?c");
  CHECK((line.version == Version::kHttp10));
  for (const char* bad :
       {"", "GET", "GET /", "GET  HTTP/1.1", "GET /a b HTTP/1.1", "G@T / HTTP/1.1", "GET /# HTTP/1.1",
        "GET /%00 HTTP/1.1", "GET / HTTP/1.1 ", "GET / HTTP/0.9", "GET / HTTP/1.x", "GET / http/1.1"}) {
    CAPTURE(bad);
    CHECK(requestFault(bad) == 400);
  }
  CHECK(requestFault("GET / HTTP/2.0") == 505);
}

TEST_CASE("start line: responses") {
  CHECK(statusOf("HTTP/1.1 200 OK") == 200);
  CHECK(statusOf("HTTP/1.0 599") == 599);
  CHECK(statusOf("HTTP/1.1 204 ") == 204);
  for (const char* bad : {"", "HTTP/1.1", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 099 x", "HTTP/1.1 600",
                          "HTTP/2.0 200", "HTTP/1.1  200", "ICY 200 OKAY"}) {
    CAPTURE(bad);
    CHECK(statusOf(bad) == -1);
  }
}

}  // namespace
}  // namespace peerpulse::http::h1
