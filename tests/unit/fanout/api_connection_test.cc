// Goal: a caller's connection ends when it is idle for too long, and not while it waits for an answer.
#include "fanout_world.h"

using namespace peerpulse;
using namespace peerpulse::fanout;
using namespace peerpulse::fanout::test;

TEST_CASE("api connection: idle ones are let go of") {
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    FanoutWorld w;
    TestClient& caller = w.caller(http2);
    ClientRequest& request = caller.send("GET", "/aggregate/ok");
    w.until([&] { return request.done(); });
    CHECK_FALSE(caller.ended);
    w.run(Api::kIdleTimeout - seconds(2));
    CHECK_FALSE(caller.ended);
    w.run(seconds(4));
    CHECK(caller.ended);
  }
}

TEST_CASE("api connection: one stream that is overdue does not take the others along") {
  FanoutWorld w;
  TestClient& caller = w.caller(true);
  ClientRequest& stuck = caller.open("PUT", "/quorum/hang");
  w.run(Api::kCallerTimeout - seconds(1));
  ClientRequest& other = caller.send("GET", "/aggregate/hang", "");
  w.until([&] { return stuck.wasReset; }, seconds(2));
  w.until([&] { return other.done(); });
  CHECK(other.head.status == 200);
}
