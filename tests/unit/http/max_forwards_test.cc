// Goal: who asks how far its OPTIONS gets learns it, and nothing else is changed.
#include "peerpulse/http/max_forwards.h"

#include <string>

#include <doctest/doctest.h>

using namespace peerpulse::http;

namespace {

RequestHead requestOf(const char* method) {
  RequestHead head;
  head.method = method;
  head.headers.add("X-Before", "1");
  return head;
}

}  // namespace

TEST_CASE("max-forwards: one less for each that passes it on, and zero is for us") {
  const struct {
    const char* given;
    bool goesOn;
    const char* then;
  } rows[] = {{"0", false, "0"},      {"00", false, "00"}, {"1", true, "0"},
              {"10", true, "9"},      {"", true, ""},      {"-1", true, "-1"},
              {"1, 2", true, "1, 2"}, {"x", true, "x"},    {"18446744073709551616", true, "18446744073709551616"}};
  for (const auto& row : rows) {
    for (const char* method : {"OPTIONS", "TRACE"}) {
      CAPTURE(row.given);
      RequestHead head = requestOf(method);
      head.headers.add("Max-Forwards", row.given);
      CHECK(takeForward(head) == row.goesOn);
      CHECK(head.headers.find("max-forwards") == row.then);
      CHECK(head.headers.find("x-before") == "1");
      CHECK(head.headers.count() == 2);
    }
  }
}

TEST_CASE("max-forwards: of no other method, and none is added") {
  RequestHead get = requestOf("GET");
  get.headers.add("Max-Forwards", "0");
  CHECK(takeForward(get));
  CHECK(get.headers.find("max-forwards") == "0");
  RequestHead options = requestOf("OPTIONS");
  CHECK(takeForward(options));
  CHECK_FALSE(options.headers.has("max-forwards"));
}
