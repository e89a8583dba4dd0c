#include "peerpulse/http/message.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::http {
namespace {

TEST_CASE("RequestHead: gRPC by content-type") {
  RequestHead head;
  CHECK_FALSE(head.isGrpc());
  head.headers.add("Content-Type", "application/grpc+proto");
  CHECK(head.isGrpc());
  head.headers.set("content-type", "application/json");
  CHECK_FALSE(head.isGrpc());
}

TEST_CASE("versions have the names that logs use") {
  CHECK(std::string(toString(Version::kHttp10)) == "1.0");
  CHECK(std::string(toString(Version::kHttp11)) == "1.1");
  CHECK(std::string(toString(Version::kHttp2)) == "2");
}

}  // namespace
}  // namespace peerpulse::http
