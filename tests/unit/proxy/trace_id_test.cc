// Goal: a line can be found by the trace that its request belongs to, and nothing that is no trace id gets into it.
#include "trace_id.h"

#include <string>

#include <doctest/doctest.h>

using peerpulse::proxy::traceId;

TEST_CASE("trace id: of a well-formed traceparent, also of a later version") {
  CHECK(traceId("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(traceId("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more") ==
        "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST_CASE("trace id: none of a malformed one") {
  for (const char* text : {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736", "secret",
                           "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01-----",
                           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                           "00-\"bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}) {
    CAPTURE(text);
    CHECK(traceId(text).empty());
  }
}
