// Goal: a request that was here is known again, whatever other proxies wrote; nothing else is.
#include "peerpulse/http/via.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::http;

TEST_CASE("via: a pseudonym is a token with all its digits") {
  CHECK(viaPseudonym(0) == "peerpulse-0000000000000000");
  CHECK(viaPseudonym(UINT64_MAX) == "peerpulse-ffffffffffffffff");
  CHECK(viaPseudonym(0x1234) != viaPseudonym(0x1235));
}

TEST_CASE("via: ours is appended after those that are there, with the protocol of the request") {
  const struct {
    Version version;
    const char* value;
  } rows[] = {{Version::kHttp10, "1.0 peerpulse-1"},
              {Version::kHttp11, "1.1 peerpulse-1"},
              {Version::kHttp2, "2 peerpulse-1"}};
  for (const auto& row : rows) {
    RequestHead head;
    head.version = row.version;
    head.headers.add("Via", "1.0 fred");
    addVia(head, "peerpulse-1");
    REQUIRE(head.headers.count() == 2);
    CHECK(head.headers.at(0).value == "1.0 fred");
    CHECK(head.headers.at(1).value == row.value);
    CHECK(hasBeenHere(head.headers, "peerpulse-1"));
    CHECK_FALSE(hasBeenHere(head.headers, "peerpulse-2"));
  }
}

TEST_CASE("via: found in any field of that name and anywhere in its list, and in no other field") {
  HeaderList headers;
  headers.add("x-via", "1.1 peerpulse-7");
  headers.add("via", "1.1 a, 1.1 b");
  CHECK_FALSE(hasBeenHere(headers, "peerpulse-7"));
  headers.add("VIA", "1.1 a, HTTP/2 peerpulse-7 (comment), 1.0 z");
  CHECK(hasBeenHere(headers, "peerpulse-7"));
}

TEST_CASE("via: without a pseudonym nothing is said and nothing is found") {
  RequestHead head;
  addVia(head, "");
  CHECK(head.headers.empty());
  head.headers.add("via", "1.1 anybody");
  CHECK_FALSE(hasBeenHere(head.headers, ""));
}
