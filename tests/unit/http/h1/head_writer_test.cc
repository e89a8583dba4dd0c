#include "h1/head_writer.h"

#include <string>

#include <doctest/doctest.h>

#include "../test_peers.h"

namespace peerpulse::http::h1 {
namespace {

using test::makeRequest;
using test::makeResponse;

std::string written(OutputQueue& out) {
  Buffer bytes;
  CHECK(out.produce(bytes, SIZE_MAX) == 0);  // none of it is body
  return bytes.toString();
}

std::string responseText(const ResponseHead& head, bool end, const ResponseContext& context = {}) {
  OutputQueue out;
  writeResponseHead(out, head, context, end);
  return written(out);
}

TEST_CASE("head writer: what could split a message is left out") {
  ResponseHead head = makeResponse(200);
  head.headers.add("good", "1");
  head.headers.add("bad", "1\r\nset-cookie: x");
  head.headers.add("also bad", "1");
  head.headers.add("connection", "x");
  head.headers.add("te", "x");
  head.headers.add("transfer-encoding", "x");
  CHECK(responseText(head, true) == "HTTP/1.1 200 OK\r\ngood: 1\r\ncontent-length: 0\r\n\r\n");
  head.upgrade = "a\r\nb: c";
  head.status = 101;
  CHECK(responseText(head, false) == "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\ngood: 1\r\n\r\n");
}

TEST_CASE("head writer: lengths") {
  ResponseHead head = makeResponse(206);
  head.contentLength = 7;
  CHECK(responseText(head, false) == "HTTP/1.1 206 Partial Content\r\ncontent-length: 7\r\n\r\n");
  head.headers.add("Content-Length", "7");
  CHECK(responseText(head, false) == "HTTP/1.1 206 Partial Content\r\nContent-Length: 7\r\n\r\n");
  head.status = 204;
  CHECK(responseText(head, false) == "HTTP/1.1 204 No Content\r\n\r\n");
  head.status = 304;
  CHECK(responseText(head, false) == "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
  head.headers.set("content-length", "x");
  head.status = 200;
  CHECK(responseText(head, false) == "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
}

TEST_CASE("head writer: what the connection does next") {
  const ResponseHead head = makeResponse(555);
  CHECK(responseText(head, true, {.keepAlive = false}) ==
        "HTTP/1.1 555 Unknown\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  CHECK(responseText(head, false, {.toHttp10 = true}) == "HTTP/1.1 555 Unknown\r\nconnection: close\r\n\r\n");
  CHECK(responseText(head, true, {.toHttp10 = true}) ==
        "HTTP/1.1 555 Unknown\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n");
}

TEST_CASE("head writer: requests") {
  OutputQueue out;
  RequestHead head = makeRequest("GET", "/x");
  head.upgrade = "websocket";
  head.headers.add("TE", "trailers");
  head.headers.add("host", "other");
  head.headers.add("a", "1");
  SendFraming framing = writeRequestHead(out, head, true);
  CHECK((framing.kind == SendKind::kLength));
  CHECK(written(out) ==
        "GET /x HTTP/1.1\r\nHost: peer:9000\r\na: 1\r\nTE: trailers\r\nUpgrade: websocket\r\n"
        "Connection: TE, Upgrade\r\n\r\n");
  framing = writeRequestHead(out, makeRequest("POST", "/"), true);
  CHECK(framing.length == 0);
  CHECK(written(out) == "POST / HTTP/1.1\r\nHost: peer:9000\r\nContent-Length: 0\r\n\r\n");
  framing = writeRequestHead(out, makeRequest("PUT", "/"), false);
  CHECK((framing.kind == SendKind::kChunked));
}

TEST_CASE("head writer: a head larger than the stack's piece of memory") {
  ResponseHead head = makeResponse(200);
  std::string expected = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 90; ++i) {
    const std::string name = "x-" + std::to_string(i);
    head.headers.add(name, std::string(500, 'v'));
    expected += name + ": " + std::string(500, 'v') + "\r\n";
  }
  CHECK(responseText(head, true) == expected + "content-length: 0\r\n\r\n");
}

TEST_CASE("head writer: trailers") {
  OutputQueue out;
  HeaderList trailers;
  trailers.add("x-sum", "1");
  trailers.add("host", "no");
  trailers.add("bad", "\n");
  writeLastChunk(out, trailers);
  CHECK(written(out) == "0\r\nx-sum: 1\r\n\r\n");
}

TEST_CASE(
    "head writer: an extended CONNECT of h2 is a GET that asks for an upgrade, with the key that WebSocket wants") {
  RequestHead head;
  head.method = "CONNECT";
  head.path = "/ws";
  head.authority = "a";
  head.upgrade = "websocket";
  head.headers.add("sec-websocket-version", "13");
  head.headers.add("content-length", "5");  // would be the tunnel's first bytes
  head.contentLength = 5;
  OutputQueue out;
  writeRequestHead(out, head, true);
  Buffer bytes;
  out.produce(bytes, SIZE_MAX);
  CHECK(bytes.toString() ==
        "GET /ws HTTP/1.1\r\nHost: a\r\nsec-websocket-version: 13\r\n"
        "Sec-WebSocket-Key: cGVlcnB1bHNlLXR1bm5lbA==\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
}

}  // namespace
}  // namespace peerpulse::http::h1
