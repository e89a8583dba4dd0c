#include "h1/head_parser.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::http::h1 {
namespace {

SectionLines linesOf(std::string_view text) { return {text, 8}; }

ParsedRequest request(std::string_view text) {
  ParsedRequest out;
  const auto fault = parseRequest(linesOf(text), CodecLimits(), out);
  CHECK_FALSE(fault);
  return out;
}

ParsedResponse response(std::string_view text, Asked asked = {}) {
  ParsedResponse out;
  const auto fault = parseResponse(linesOf(text), CodecLimits(), asked, out);
  CHECK_FALSE(fault);
  return out;
}

TEST_CASE("head parser: how a request's body is delimited") {
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
  CHECK((request(post).framing.kind == BodyKind::kNone));
  CHECK(request(post).head.complete);
  CHECK_FALSE(request(post).head.contentLength);
  CHECK((request(post + "Content-Length: 0\r\n").framing.kind == BodyKind::kNone));
  CHECK(request(post + "Content-Length: 0\r\n").head.contentLength == 0u);
  const ParsedRequest sized = request(post + "Content-Length: 12\r\n");
  CHECK((sized.framing.kind == BodyKind::kLength));
  CHECK(sized.framing.length == 12);
  CHECK_FALSE(sized.head.complete);
  CHECK((request(post + "Transfer-Encoding: chunked\r\n").framing.kind == BodyKind::kChunked));
}

TEST_CASE("head parser: what is expected, however often it is said, and what a 1.0 client cannot expect") {
  const std::string put = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n";
  CHECK_FALSE(request(put).expectContinue);
  CHECK(request(put + "Expect: 100-Continue\r\n").expectContinue);
  CHECK(request(put + "Expect: 100-continue\r\nExpect: 100-continue\r\n").expectContinue);
  for (const char* unknown : {"Expect: coffee\r\n", "Expect: coffee\r\nExpect: 100-continue\r\n",
                              "Expect: 100-continue\r\nExpect: coffee\r\n", "Expect: 100-continue, coffee\r\n"}) {
    CAPTURE(unknown);
    ParsedRequest out;
    const auto fault = parseRequest(linesOf(put + unknown), CodecLimits(), out);
    REQUIRE(fault);
    CHECK(fault->status == 417);
  }
  const ParsedRequest old = request("PUT / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n");
  CHECK_FALSE(old.expectContinue);
  CHECK_FALSE(old.head.headers.has("expect"));
}

TEST_CASE("head parser: how long the connection lasts") {
  CHECK(request("GET / HTTP/1.1\r\nHost: a\r\n").framing.keepAlive);
  CHECK_FALSE(request("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n").framing.keepAlive);
  CHECK_FALSE(request("GET / HTTP/1.0\r\n").framing.keepAlive);
  CHECK(request("GET / HTTP/1.0\r\nConnection: keep-alive\r\n").framing.keepAlive);
  CHECK_FALSE(request("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n").framing.keepAlive);
}

TEST_CASE("head parser: absolute targets") {
  const ParsedRequest q = request("GET http://b:9?x HTTP/1.1\r\nHost: B:9\r\n");
  CHECK(q.head.authority == "b:9");
  // Whatever Host says (RFC 9112 3.2.2).
  CHECK(request("GET http://b/x HTTP/1.1\r\nHost: evil\r\n").head.authority == "b");
  CHECK(q.head.path == "/?x");
  CHECK(request("GET https://b HTTP/1.1\r\nHost: b\r\n").head.path == "/");
}

TEST_CASE("head parser: how a response's body is delimited") {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  CHECK((response(ok).framing.kind == BodyKind::kUntilClose));
  CHECK_FALSE(response(ok).framing.keepAlive);
  CHECK((response(ok + "Content-Length: 3\r\n").framing.kind == BodyKind::kLength));
  CHECK((response(ok + "Content-Length: 3\r\n", {.head = true}).framing.kind == BodyKind::kNone));
  CHECK(response(ok + "Content-Length: 3\r\n", {.head = true}).head.contentLength == 3u);
  CHECK(response(ok + "Content-Length: 3\r\n", {.head = true}).framing.keepAlive);
  CHECK((response("HTTP/1.1 304 x\r\nContent-Length: 3\r\n").framing.kind == BodyKind::kNone));
  CHECK_FALSE(response("HTTP/1.1 204 x\r\nContent-Length: 3\r\n").framing.keepAlive);
  const std::string upgraded = "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n";
  CHECK((response(upgraded, {.upgrade = true}).framing.kind == BodyKind::kTunnel));
  ParsedResponse out;
  CHECK(parseResponse(linesOf(upgraded), CodecLimits(), {}, out));
}

}  // namespace
}  // namespace peerpulse::http::h1
