// Goal: a caller that holds its exchange up is let go of, and what it does not read counts as long as it is there.
#include "fanout_world.h"

using namespace peerpulse;
using namespace peerpulse::fanout;
using namespace peerpulse::fanout::test;

TEST_CASE("api exchange: a caller that stops in the middle of its body is let go of, with its operation") {
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    FanoutWorld w;
    ClientRequest& request = w.caller(http2).open("PUT", "/quorum/x");
    request.stream->sendData(Slice::copyOf("the beginning"));
    w.until([&] { return w.remote(2).requests.size() == 1; });
    w.run(Api::kCallerTimeout - seconds(1));
    CHECK(w.stats.fanout.running.get() == 1);
    CHECK_FALSE(request.wasReset);
    w.until([&] { return request.wasReset; }, seconds(3));
    CHECK(w.budget.operations() == 0);
  }
}

TEST_CASE("api exchange: who waits for its answer may do so for as long as the peers have time") {
  FanoutWorld w([](Options& o) { o.peerTimeout = Api::kCallerTimeout * 2; });
  for (size_t i = 0; i < FanoutWorld::kPeers; ++i)
    w.remote(i).onRequest = [](peerpulse::test::ServedRequest& served) { served.head.path = "/hang"; };
  ClientRequest& request = w.ask("GET", "/aggregate/x", "", {{"peerpulse-timeout", "5s"}});
  CHECK(w.answerTo(request)["partial"] == true);
}

TEST_CASE("api exchange: an answer that nobody reads takes memory, and not for ever") {
  FanoutWorld w([](Options& o) { o.answerLimit = 2 << 20; });
  const std::string large(1 << 20, 'x');
  w.remote(0).onRequest = [&](peerpulse::test::ServedRequest& served) { served.answer(200, large); };
  TestClient& caller = w.caller();
  http::HeaderList fields;
  fields.add("peerpulse-peers", "node2");
  ClientRequest& request = caller.send("GET", "/aggregate/x", "", fields);
  request.gives = false;
  w.until([&] { return w.stats.fanout.running.get() == 0 && request.gotHead; });
  w.settle();
  CHECK(w.budget.bytes() > large.size());
  CHECK(w.budget.operations() == 0);
  w.until([&] { return request.wasReset; }, Api::kCallerTimeout + seconds(2));
  w.settle();
  CHECK(w.budget.bytes() == 0);
}

TEST_CASE("api exchange: an answer that is read gives its memory back") {
  FanoutWorld w;
  ClientRequest& request = w.ask("GET", "/aggregate/ok");
  CHECK(w.answerTo(request)["answered"] == 3);
  w.settle();
  CHECK(w.budget.bytes() == 0);
}
