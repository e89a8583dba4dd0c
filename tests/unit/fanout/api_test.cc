// Goal: as many connections as there may be; a drain ends when what was begun has.
#include "fanout_world.h"

using namespace peerpulse;
using namespace peerpulse::fanout;
using namespace peerpulse::fanout::test;

TEST_CASE("api: a drain waits for what is in the background, and for nobody who is idle") {
  FanoutWorld w;
  w.remote(0).onRequest = [](peerpulse::test::ServedRequest& served) { served.head.path = "/hang"; };
  CHECK(w.answerTo(w.ask("POST", "/notify/ok"))["peers"].size() == 3);
  w.caller(false);
  w.settle();  // it is accepted
  w.api->drain();
  w.run(seconds(2));
  CHECK_FALSE(w.api->drained());
  CHECK(w.remote(0).last().stream != nullptr);
  w.remote(0).last().answer(200, "");
  w.run(milliseconds(100));
  CHECK(w.stats.fanout.running.get() == 0);
  for (const auto& caller : w.callers)
    CHECK(caller->ended);
  CHECK(w.api->drained());
}

TEST_CASE("api: an operation beyond the limit is refused, and the next one after its end is not") {
  FanoutWorld w([](Options& o) { o.maxOperations = 1; });
  ClientRequest& first = w.ask("PUT", "/quorum/hang", "", {{"peerpulse-peers", "node2"}, {"peerpulse-quorum", "1"}});
  w.until([&] { return w.remote(0).requests.size() == 1; });
  ClientRequest& second = w.ask("GET", "/aggregate/ok");
  CHECK(w.answerTo(second)["error"] == "too_many_operations");
  w.remote(0).last().answer(200, "");
  w.answerTo(first);
  w.settle();
  CHECK(w.answerTo(w.ask("GET", "/aggregate/ok"))["answered"] == 3);
}
