#include "websocket.h"

#include <doctest/doctest.h>

namespace peerpulse::http::test {
namespace {

TEST_CASE("websocket: the answer to a key") {
  CHECK(webSocketAccept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // RFC 6455 1.3
  CHECK(webSocketAccept("x3JJHMbDL1EzLkh9GBhXDw==") == "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
  CHECK(webSocketAccept("") == "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=");  // of the GUID alone
}

}  // namespace
}  // namespace peerpulse::http::test
