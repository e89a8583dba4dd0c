// Goal: a chunk finds a disk while there is one and time, and no disk is claimed that did not acknowledge it.
#include "fanout_world.h"

using namespace peerpulse;
using namespace peerpulse::fanout;
using namespace peerpulse::fanout::test;
using peerpulse::test::ServedRequest;

namespace {

/// It acknowledges by sending all of it back.
void takesAll(FanoutWorld& w, size_t peer) {
  w.remote(peer).onRequest = [](ServedRequest& served) { served.head.path = "/echo"; };
}

}  // namespace

TEST_CASE("erasure: nothing is begun after the caller's deadline") {
  FanoutWorld w;
  w.remote(0).onRequest = [](ServedRequest& served) { served.head.path = "/hang"; };
  const nlohmann::json answer =
      w.answerTo(w.ask("PUT", "/erasure/set0/0/x", "chunk", {{"peerpulse-timeout", "200ms"}}));
  CHECK(answer["attempts"].size() == 1);
  CHECK(answer["error"] == "all_nodes_failed");
  w.run(seconds(1));
  CHECK(w.remote(1).requests.empty());
  CHECK(w.remote(2).requests.empty());
}

TEST_CASE("erasure: a chunk beyond the limit goes to a spare while nothing of it was passed on") {
  FanoutWorld w([](Options& o) {
    o.replayLimit = 64 * 1024;
    o.answerLimit = 1024 * 1024;
  });
  takesAll(w, 1);
  takesAll(w, 2);
  w.change(0, health::Verdict::kSuspect, health::CircuitState::kHalfOpen);
  w.change(0, health::Verdict::kSuspect);
  const std::string large(400'000, 'x');
  ClientRequest& request = w.ask("PUT", "/erasure/set0/0/x", large);
  w.run(milliseconds(20));  // all that may come is here, and waits for a verdict
  w.die(0);
  const nlohmann::json answer = w.answerTo(request);
  REQUIRE(request.head.status == 201);
  CHECK(answer["attempts"].size() == 2);
  CHECK(w.remote(0).requests.empty());
  const std::string at = answer["stored_on"];
  CHECK(w.remote(at.starts_with("node3") ? 1 : 2).last().body == large);
}

TEST_CASE("erasure: beyond the limit, once it has begun, there is no other disk") {
  FanoutWorld w([](Options& o) { o.replayLimit = 64 * 1024; });
  ClientRequest& request = w.ask("PUT", "/erasure/set0/0/hang", std::string(400'000, 'x'));
  w.until([&] { return !w.remote(0).requests.empty() && w.remote(0).last().ended; });
  w.die(0);
  const nlohmann::json answer = w.answerTo(request);
  CHECK(request.head.status == 503);
  CHECK(answer["attempts"].size() == 1);
  CHECK(answer["attempts"][0]["uncertain"] == true);
}

TEST_CASE("erasure: a disk that acknowledges something else is not claimed, and the next one is asked") {
  FanoutWorld w;
  ClientRequest& request = w.ask("PUT", "/erasure/set0/0/hang", "hello",
                                 {{"content-digest", "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"}});
  takesAll(w, 1);
  takesAll(w, 2);
  w.until([&] { return !w.remote(0).requests.empty() && w.remote(0).last().ended; });
  http::ResponseHead head;
  head.status = 201;
  head.headers.add("content-digest", "sha-256=:zgYJL7lI2f+sfRo3bkBLJrdXW8wR7gWkYV/vT+w6MIs=:");
  w.remote(0).last().stream->sendHeaders(head, true);
  const nlohmann::json answer = w.answerTo(request);
  CHECK(request.head.status == 201);
  CHECK(answer["attempts"][0]["state"] == "digest_mismatch");
  CHECK(answer["attempts"][1]["state"] == "ok");
  CHECK(answer["stored_on"] != "node2/d/1");
}

TEST_CASE("erasure: a chunk's own time, and what its size takes; then the next disk, and nobody is blamed") {
  FanoutWorld w([](Options& o) {
    o.chunkTimeout = milliseconds(100);
    o.answerLimit = 2 * 1024 * 1024;
  });
  w.remote(0).onRequest = [](ServedRequest& served) { served.head.path = "/hang"; };
  takesAll(w, 1);
  takesAll(w, 2);
  for (const size_t size : {4096U, 1U << 20}) {
    CAPTURE(size);
    const TimePoint before = w.time.now();
    ClientRequest& request = w.ask("PUT", "/erasure/set0/0/x", std::string(size, 'x'));
    const nlohmann::json answer = w.answerTo(request);
    CHECK(request.head.status == 201);
    CHECK(answer["attempts"][0]["state"] == "timeout");
    CHECK(answer["attempts"][0]["uncertain"] == true);
    const Duration expected = milliseconds(100) + milliseconds(1000 * size >> 20);
    CHECK(w.time.now() - before >= expected);
    CHECK(w.time.now() - before < expected + milliseconds(60));
  }
  for (const health::OutcomeRecord& record : w.outcomes.seen)
    CHECK(record.outcome == health::Outcome::kSuccess);
}

TEST_CASE("erasure: an automatic chunk timeout follows the disk's peer") {
  FanoutWorld w([](Options& o) { o.chunkTimeoutAuto = true; });
  for (size_t i = 0; i < FanoutWorld::kPeers; ++i)
    takesAll(w, i);
  for (int i = 0; i < 60; ++i)
    CHECK(w.answerTo(w.ask("PUT", "/erasure/set0/0/ok", "chunk"))["stored_on"] == "node2/d/1");
  w.remote(0).onRequest = [](ServedRequest& served) { served.head.path = "/hang"; };
  const TimePoint before = w.time.now();
  CHECK(w.answerTo(w.ask("PUT", "/erasure/set0/0/ok", "chunk"))["attempts"].size() == 2);
  CHECK(w.time.now() - before >= milliseconds(250));  // the floor
  CHECK(w.time.now() - before < milliseconds(270));
}
