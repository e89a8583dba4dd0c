#include "h2/header_block.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::http::h2 {
namespace {

TEST_CASE("HeaderBlock: a request") {
  const CodecLimits limits;
  HeaderBlock block(limits);
  block.restart({});
  for (const auto& [name, value] :
       {std::pair(":method", "PUT"), std::pair(":scheme", "https"), std::pair(":path", "/p"),
        std::pair(":authority", "a:1"), std::pair("cookie", "a=1"), std::pair("content-length", "5"),
        std::pair("cookie", "b=2"), std::pair("host", "A:1")})
    CHECK((block.add(name, value) == AddResult::kOk));
  CHECK(block.requestProblem() == nullptr);
  CHECK_FALSE(block.tooLarge());
  CHECK(block.used().count == 4);
  const RequestHead head = block.takeRequest();
  CHECK(head.method == "PUT");
  CHECK(head.scheme == "https");
  CHECK(head.path == "/p");
  CHECK(head.authority == "a:1");
  CHECK(head.contentLength == 5u);
  CHECK(head.headers.count() == 2);
  CHECK(head.headers.find("cookie") == "a=1; b=2");
  CHECK_FALSE(head.complete);
}

TEST_CASE("HeaderBlock: nothing of a section is left in the next") {
  const CodecLimits limits;
  HeaderBlock block(limits);
  block.restart({});
  for (const char* name :
       {":method", ":path", ":authority", "host", "cookie", "content-length", "x", "transfer_encoding"})
    block.add(name, "1");
  block.markComplete();
  block.restart({100, 3});
  CHECK(block.used().size == 100);
  CHECK(block.status() == -1);
  CHECK(block.fieldProblem() == nullptr);
  block.add(":status", "204");
  CHECK(block.status() == 204);
  const ResponseHead head = block.takeResponse();
  CHECK(head.headers.empty());
  CHECK_FALSE(head.contentLength);
  CHECK_FALSE(head.complete);
  CHECK(block.takeRequest().method == "");
}

TEST_CASE("HeaderBlock: statuses") {
  const CodecLimits limits;
  HeaderBlock block(limits);
  for (const char* bad : {"", "99", "2000", "2x0", "099", "600"}) {
    CAPTURE(bad);
    block.restart({});
    block.add(":status", bad);
    CHECK(block.status() == -1);
  }
}

TEST_CASE("HeaderBlock: what HTTP/1 refuses") {
  const CodecLimits limits;
  HeaderBlock block(limits);
  const auto refused = [&](const char* path, const char* authority, const char* name, const char* value) {
    block.restart({});
    block.add(":method", "GET");
    block.add(":path", path);
    block.add(":authority", authority);
    block.add(name, value);
    return block.requestProblem() != nullptr;
  };
  CHECK_FALSE(refused("/", "a:1", "content-length", "10"));
  for (const char* path : {"http://evil/x", "evil", "/#", "/\xe4", "/%00", "*"}) {
    CAPTURE(path);
    CHECK(refused(path, "a", "x", "y"));
  }
  for (const char* authority : {"", "u@a", "a,b", "a\xe4", "a/b"}) {
    CAPTURE(authority);
    CHECK(refused("/", authority, "x", "y"));
  }
  CHECK(refused("/", "a", "transfer_encoding", "chunked"));
  CHECK(refused("/", "a", "content_length", "1"));
  CHECK(refused("/", "a", "content-length", "010"));
}

TEST_CASE("HeaderBlock: hosts that disagree") {
  const CodecLimits limits;
  HeaderBlock block(limits);
  const auto conflict = [&](const char* authority, int hosts) {
    block.restart({});
    block.add(":path", "/");
    if (*authority != '\0') block.add(":authority", authority);
    for (int i = 0; i < hosts; ++i)
      block.add("host", "a");
    return block.requestProblem() != nullptr;
  };
  CHECK_FALSE(conflict("a", 1));
  CHECK_FALSE(conflict("", 1));
  CHECK(block.takeRequest().authority == "a");
  CHECK(conflict("b", 1));
  CHECK(conflict("a", 2));
}

TEST_CASE("HeaderBlock: over a limit nothing more is kept, far over it the connection ends") {
  CodecLimits limits;
  limits.maxHeaderListSize = 200;
  HeaderBlock block(limits);
  block.restart({});
  block.add(":method", "GET");
  AddResult result = AddResult::kOk;
  size_t fields = 0;
  for (; result == AddResult::kOk && fields < 1000; ++fields)
    result = block.add("x", std::string(50, 'y'));
  CHECK(block.tooLarge());
  CHECK((result == AddResult::kAbuse));
  CHECK(fields * 83 > 200 * 16);
  CHECK((fields - 2) * 83 < 200 * 16);
  CHECK(block.takeTrailers().empty());
}

TEST_CASE("FieldArray: connection fields stay here, trailers without the forbidden") {
  HeaderList list;
  list.add("Connection", "x");
  list.add("Host", "a");
  list.add("TE", "gzip");
  list.add("te", "trailers");
  list.add(":path", "/");
  list.add("x", "1");
  list.add("content-length", "3");
  FieldArray fields;
  fields.addHeaders(list);
  CHECK(fields.size() == 3);
  fields.clear();
  fields.addHeaders(list, false);
  CHECK(fields.size() == 2);
  fields.clear();
  fields.addTrailers(list);
  CHECK(fields.size() == 1);
  CHECK(std::string(reinterpret_cast<const char*>(fields.data()->name), fields.data()->namelen) == "x");
}

}  // namespace
}  // namespace peerpulse::http::h2
