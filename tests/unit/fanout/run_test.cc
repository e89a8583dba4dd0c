// Goal: an operation ends once, with its caller, its answer or the process, and gives back all that it had.
#include "run.h"

#include "fanout_world.h"

using namespace peerpulse;
using namespace peerpulse::fanout;
using namespace peerpulse::fanout::test;

// FanoutWorld checks at its end that nothing is under way and all memory is back.
TEST_CASE("run: a caller that goes away takes it along before the answer, and not after it") {
  for (const char* quorum : {"all", "1"}) {
    CAPTURE(quorum);
    FanoutWorld w;
    w.remote(2).onRequest = [](peerpulse::test::ServedRequest& served) { served.head.path = "/hang"; };
    ClientRequest& request = w.ask("PUT", "/quorum/ok", "", {{"peerpulse-quorum", quorum}});
    w.run(milliseconds(50));
    CHECK(w.stats.fanout.running.get() == 1);
    const bool answered = request.done();
    CHECK(answered == (std::string(quorum) == "1"));
    w.callers.back()->connection().abort("gone");
    w.run(milliseconds(50));
    CHECK(w.stats.fanout.running.get() == (answered ? 1 : 0));
  }
}

TEST_CASE("run: a process that ends abandons what is under way, in whatever state") {
  FanoutWorld w;
  for (const char* path : {"/quorum/hang", "/aggregate/hang", "/notify/hang", "/erasure/set0/0/hang"}) {
    const std::string text = path;
    const char* method = text[1] == 'a' ? "GET" : text[1] == 'n' ? "POST" : "PUT";
    w.ask(method, path, text[1] == 'a' ? "" : "body");
  }
  ClientRequest& half = w.caller(false).open("PUT", "/quorum/hang");
  half.stream->sendData(Slice::copyOf("half"));
  w.until([&] { return w.stats.fanout.running.get() == 5; });
  w.api->abortAll();
  CHECK(w.stats.fanout.running.get() == 0);
  CHECK(w.api->drained());
}
