// Goal: TLS on a plain port is called by its name, on both sides and in both protocols.
#include "tls_record.h"

#include <doctest/doctest.h>

#include "h1/head_scanner.h"
#include "peerpulse/http/codec.h"

using namespace peerpulse::http;

namespace {

std::string faultOf(h1::HeadScanner::Kind kind, std::string_view bytes) {
  const CodecLimits limits;
  h1::HeadScanner scanner(kind, limits);
  REQUIRE(scanner.feed(bytes) == h1::HeadScanner::Status::kFault);
  return scanner.fault().detail;
}

}  // namespace

TEST_CASE("tls record: a handshake or an alert, by the first byte") {
  CHECK(isTlsRecord("\x16\x03\x01"));
  CHECK(isTlsRecord("\x15"));
  CHECK_FALSE(isTlsRecord("GET /"));
  CHECK_FALSE(isTlsRecord(std::string_view("\0\0\0", 3)));
  CHECK_FALSE(isTlsRecord(""));
}

TEST_CASE("tls record: HTTP/1 says so of a client and of a peer, and of nothing that comes later") {
  CHECK(faultOf(h1::HeadScanner::Kind::kRequest, "\x16\x03\x01\x02") == kTlsFromClient);
  CHECK(faultOf(h1::HeadScanner::Kind::kRequest, "\x16") == kTlsFromClient);
  CHECK(faultOf(h1::HeadScanner::Kind::kResponse, "\x15\x03\x01") == kTlsFromPeer);
  CHECK(faultOf(h1::HeadScanner::Kind::kRequest, "G\x16") == std::string("control character"));
  CHECK(faultOf(h1::HeadScanner::Kind::kTrailers, "\x16") == std::string("control character"));
}
