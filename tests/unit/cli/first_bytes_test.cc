// Goal: who answers plain HTTP is known by the first bytes.
#include "first_bytes.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

using Kind = SpeechAnswer::Kind;
using namespace std::string_view_literals;

TEST_CASE("first_bytes: HTTP/1, with its status") {
  CHECK(speechOf("HTTP/1.1 400 Bad Request\r\n\r\n") == Kind::kHttp1);
  CHECK(statusOf("HTTP/1.0 505 Version Not Supported\r\n") == 505);
  CHECK(statusOf("HTTP/1.1 2") == 0);
  CHECK(statusOf("HTTP/1.1 xyz ") == 0);
  CHECK(statusOf("") == 0);
}

TEST_CASE("first_bytes: TLS, and HTTP that says that it wants TLS") {
  CHECK(speechOf("\x15\x03\x01\0\x02\x02\x46"sv) == Kind::kTls);
  CHECK(isTlsRecord("\x16\x03\x03"sv));
  CHECK_FALSE(isTlsRecord("\x16"sv));
  CHECK_FALSE(isTlsRecord("HTTP/1.1 400"));
  CHECK(speechOf("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n") == Kind::kTls);
  CHECK(speechOf("HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port") == Kind::kTls);
  CHECK(speechOf("HTTP/1.1 200 OK\r\n\r\nThe plain HTTP request was sent to HTTPS port") == Kind::kHttp1);
}

TEST_CASE("first_bytes: others, and nothing") {
  CHECK(speechOf("SSH-2.0-OpenSSH_9.2\r\n") == Kind::kOther);
  CHECK(speechOf("\0\0\x12\x04\0\0\0\0\0"sv) == Kind::kOther);
  CHECK(speechOf("") == Kind::kClosed);
}

}  // namespace
}  // namespace peerpulse::cli
