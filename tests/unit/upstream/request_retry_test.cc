// Goal: a request is sent again only if the peer provably did not process it (or it is the one replay of a bodyless safe
// one), byte for byte, within count, budget and time; and its owner sees one request.
#include "request_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;
using health::CircuitState;
using health::Outcome;
using health::Verdict;
using http::Version;
using State = Request::State;

namespace {

Wish wish(std::string path, std::string body = "", Version version = Version::kHttp2) {
  Wish w;
  w.path = std::move(path);
  w.body = std::move(body);
  w.version = version;
  return w;
}

Wish byHand(std::string path) {
  Wish w = wish(std::move(path));
  w.bodyByHand = true;
  return w;
}

/// Refuses the first `times` requests of a path, after their bodies.
void refuseFirst(RequestWorld& w, const std::string& path, int times) {
  w.remote.onRequest = [path, left = times](ServedRequest& request) mutable {
    if (request.head.path == path && left > 0) {
      --left;
      request.refuse();
    }
  };
}

void resetStream(ServedRequest& request, http::ResetReason reason) {
  std::exchange(request.stream, nullptr)->reset(reason);
}

}  // namespace

// --- refused ---------------------------------------------------------------------------------------------------

TEST_CASE("retry: a refused stream goes again at once, with its body, and its owner notices nothing") {
  RequestWorld w;
  Owner& owner = w.ask(wish("/refuse-once", "the whole body"));
  w.until([&] { return owner.story().over(); });
  CHECK(owner.story().body == "second");
  CHECK(owner.story().credit == 14);  // told once
  w.until([&] { return w.remote.last().ended; });
  CHECK(w.remote.last().body == "the whole body");
  CHECK(owner.request().retries() == 1);
  CHECK(w.peerStats().retriesTotal.get() == 1);
  REQUIRE(w.outcomes.seen.size() == 1);
  CHECK(w.outcomes.seen[0].outcome == Outcome::kSuccess);
}

TEST_CASE("retry: what was given before and what is given after the refusal arrive as one") {
  RequestWorld w;
  Owner& owner = w.send(byHand("/test"));
  owner.give("one ");
  w.settle();
  CHECK(owner.story().credit == 4);
  w.remote.last().refuse();
  w.until([&] { return owner.request().state() == State::kBackingOff; });
  owner.give("two ");
  w.until([&] { return owner.request().state() == State::kSending; });
  owner.give("three");
  owner.giveEnd();
  w.until([&] { return w.remote.last().ended; });
  CHECK(w.remote.last().body == "one two three");
  CHECK(owner.story().credit == 13);
  w.remote.last().answer(200, "");
  w.until([&] { return owner.story().closed; });
}

TEST_CASE("retry: three times the same bytes, credited once") {
  RequestWorld w([](Options& o) { o.retry.backoff = milliseconds(10); });
  std::string body(40'000, 'x');
  for (size_t i = 0; i < body.size(); ++i)
    body[i] = static_cast<char>('a' + i % 26);
  Owner& owner = w.ask(wish("/test", body));
  for (size_t attempt = 1; attempt <= 4; ++attempt) {
    w.until([&] { return w.remote.requests.size() == attempt && w.remote.last().ended; });
    CHECK(w.remote.last().body == body);
    if (attempt < 4) w.remote.last().refuse();
  }
  w.remote.last().answer(200, "done");
  w.until([&] { return owner.story().over(); });
  CHECK(owner.story().closed);
  CHECK(owner.story().credit == body.size());
  CHECK(owner.request().retries() == 3);
}

TEST_CASE("retry: never more often than max_retries, and that is not counted against a peer that answered") {
  RequestWorld w([](Options& o) {
    o.retry.maxRetries = 2;
    o.retry.backoff = milliseconds(10);
  });
  refuseFirst(w, "/test", 100);
  Owner& owner = w.ask(wish("/test"));
  w.until([&] { return owner.story().over(); });
  CHECK(w.remote.requests.size() == 3);
  CHECK(owner.story().failure.type == ErrorType::kConnectionTerminated);
  CHECK(owner.story().failure.party == Party::kPeer);
  CHECK(w.outcomes.seen.empty());
}

TEST_CASE("retry: the first at once, the later ones after a growing pause") {
  RequestWorld w([](Options& o) { o.retry.backoff = milliseconds(100); });
  std::vector<TimePoint> at;
  w.remote.onRequest = [&](ServedRequest& request) {
    at.push_back(w.time.now());
    if (at.size() < 4) request.refuse();
  };
  Owner& owner = w.ask(wish("/ok"));
  w.until([&] { return owner.story().closed; });
  REQUIRE(at.size() == 4);
  CHECK(at[1] - at[0] < milliseconds(1));
  CHECK(at[2] - at[1] >= milliseconds(100));
  CHECK(at[2] - at[1] <= milliseconds(201));
  CHECK(at[3] - at[2] >= milliseconds(200));
  CHECK(at[3] - at[2] <= milliseconds(401));
}

TEST_CASE("retry: a body that is not kept any more cannot be sent again") {
  for (const size_t over : {0U, 1U}) {
    CAPTURE(over);
    RequestWorld w;
    Wish asked = byHand("/test");
    asked.replayLimit = 1000;
    Owner& owner = w.send(asked);
    owner.give(std::string(1000 + over, 'x'));
    w.settle();
    w.remote.last().refuse();
    if (over == 0) {
      w.until([&] { return w.remote.requests.size() == 2; });
      owner.request().cancel();
    } else {
      w.until([&] { return owner.story().over(); });
      CHECK(owner.story().failure.type == ErrorType::kConnectionTerminated);
      w.settle();
      CHECK(w.remote.requests.size() == 1);
    }
  }
}

TEST_CASE("retry: retries are a share of the requests") {
  RequestWorld w([](Options& o) {
    o.retry.maxRetries = 1;
    o.retry.budgetPercent = 0;
  });
  refuseFirst(w, "/test", 1000);
  for (int i = 0; i < 15; ++i) {
    Owner& owner = w.ask(wish("/test"));
    w.until([&] { return owner.story().over(); });
  }
  CHECK(w.peerStats().retriesTotal.get() == 10);  // what a quiet proxy has at the start
  CHECK(w.remote.requests.size() == 25);
}

// --- GOAWAY ----------------------------------------------------------------------------------------------------

TEST_CASE("retry: what GOAWAY leaves out goes to another connection, at once and free of the budget") {
  RequestWorld w([](Options& o) { o.retry.budgetPercent = 0; });
  for (int i = 0; i < 15; ++i) {  // more often than the budget would allow
    w.answered();
    w.remote.connections.back()->goAway();
    Owner& owner = w.ask(wish("/echo", "crosses the GOAWAY"));
    CHECK(owner.request().state() == State::kSending);
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().body == "crosses the GOAWAY");
    CHECK(owner.request().retries() == 1);
  }
  CHECK(w.remote.connections.size() == 16);
}

TEST_CASE(
    "retry: what was on a connection whose peer said GOAWAY and then ended it is lost, but no failure of the peer") {
  for (const bool reset : {false, true}) {
    CAPTURE(reset);
    RequestWorld w([](Options& o) { o.retry.replayIdempotent = false; });
    std::vector<Owner*> all;
    for (int i = 0; i < 5; ++i)
      all.push_back(&w.send(wish("/test", "body")));
    w.remote.connections.back()->goAway();
    w.settle();
    if (reset) {
      w.remote.connections.back()->abort();
    } else {
      w.remote.connections.back()->close();
    }
    w.until([&] { return std::all_of(all.begin(), all.end(), [](Owner* o) { return o->story().over(); }); });
    for (Owner* owner : all)
      CHECK(owner->story().failure.party == Party::kPeer);
    CHECK(w.outcomes.seen.empty());
    Owner& next = w.ask(wish("/ok"));
    w.until([&] { return next.story().over(); });
    CHECK(next.story().closed);
  }
}

TEST_CASE("retry: a peer that says ENHANCE_YOUR_CALM lives, on a stream as on a connection") {
  RequestWorld w;
  for (int i = 0; i < 5; ++i) {
    Owner& owner = w.send(wish("/test", "body"));
    resetStream(w.remote.last(), http::ResetReason::kEnhanceYourCalm);
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().failed);
  }
  CHECK(w.outcomes.seen.empty());
}

// --- connects --------------------------------------------------------------------------------------------------

TEST_CASE("retry: a connect that failed is tried again, and a success makes it none") {
  const struct {
    const char* what;
    int error;  // of our own host; 0: the peer refuses
    Duration after;
  } rows[] = {{"refused", 0, milliseconds(4)},
              {"no descriptor", EMFILE, milliseconds(40)},
              {"no route for a moment", ENETUNREACH, milliseconds(40)}};
  for (const auto& row : rows) {
    for (const Version version : {Version::kHttp11, Version::kHttp2}) {
      CAPTURE(row.what);
      CAPTURE(http::toString(version));
      RequestWorld w;
      if (row.error == 0) {
        w.remote.listener.refuse();
      } else {
        w.network.failConnects(w.here, row.error);
      }
      const TimePoint before = w.time.now();
      Owner& owner = w.ask(wish("/echo", "not lost", version));
      w.until([&] { return owner.request().state() == State::kBackingOff; });
      CHECK(w.outcomes.seen.empty());
      if (row.error == 0) {
        w.remote.listener.listen();
      } else {
        w.network.failConnects(w.here, 0);
      }
      w.until([&] { return owner.story().over(); });
      CHECK(owner.story().body == "not lost");
      CHECK(owner.request().retries() == 1);
      CHECK(w.time.now() - before >= row.after);
      CHECK(w.time.now() - before <= milliseconds(110));
      REQUIRE(w.outcomes.seen.size() == 1);
      CHECK(w.outcomes.seen[0].outcome == Outcome::kSuccess);
    }
  }
}

TEST_CASE("retry: who is refused each time is told so soon, and that is one failure") {
  RequestWorld w;
  w.remote.listener.refuse();
  const TimePoint before = w.time.now();
  Owner& owner = w.ask(wish("/ok"));
  w.until([&] { return owner.story().over(); });
  CHECK(owner.story().failure.type == ErrorType::kConnectionRefused);
  CHECK(owner.story().failure.party == Party::kPeer);
  CHECK(w.time.now() - before < milliseconds(80));
  CHECK(w.peerStats().connectFailuresTotal.get() == 4);
  REQUIRE(w.outcomes.seen.size() == 1);
  CHECK(w.outcomes.seen[0].outcome == Outcome::kConnectFailure);
}

TEST_CASE("retry: the verdict ends the tries") {
  RequestWorld w;
  w.remote.listener.refuse();
  Owner& owner = w.ask(wish("/ok"));
  w.until([&] { return owner.request().state() == State::kBackingOff; });
  w.change(Verdict::kRefusing, CircuitState::kOpen);
  w.run(milliseconds(10));
  CHECK(owner.story().failure.type == ErrorType::kConnectionRefused);
  CHECK(owner.story().failure.byCircuit);
  CHECK(w.peerStats().connectFailuresTotal.get() == 1);
}

TEST_CASE(
    "retry: all tries to connect have the time of one, and what is known is told when there is none for another") {
  RequestWorld w([](Options& o) {
    o.timeouts[0].connect = milliseconds(150);
    o.retry.backoff = milliseconds(100);
  });
  w.network.failConnects(w.here, EMFILE);
  const TimePoint before = w.time.now();
  Owner& owner = w.ask(wish("/ok"));
  w.until([&] { return owner.story().over(); });
  CHECK(w.time.now() - before < milliseconds(150));
  CHECK(owner.story().failure.type == ErrorType::kConnectionLimitReached);
  CHECK(owner.story().failure.party == Party::kHost);
  CHECK(w.outcomes.seen.empty());
}

TEST_CASE("retry: a connect without an answer has used up the time") {
  RequestWorld w;
  w.cutPath(true);
  const TimePoint before = w.time.now();
  Owner& owner = w.ask(wish("/ok"));
  w.until([&] { return owner.story().over(); });
  CHECK(w.time.now() - before == seconds(2));
  CHECK(owner.story().failure.type == ErrorType::kConnectionTimeout);
  CHECK(owner.request().retries() == 0);
  CHECK(w.outcomes.seen.size() == 1);
}

TEST_CASE("retry: connects are retried within the count and the budget, too") {
  RequestWorld w([](Options& o) {
    o.retry.maxRetries = 1;
    o.retry.budgetPercent = 0;
  });
  w.remote.listener.refuse();
  for (int i = 0; i < 15; ++i) {
    Owner& owner = w.ask(wish("/ok"));
    w.until([&] { return owner.story().over(); });
  }
  CHECK(w.peerStats().retriesTotal.get() == 10);
  CHECK(w.peerStats().connectFailuresTotal.get() == 25);
}

TEST_CASE("retry: beside a long exchange a refused connect is known at once, to those who wait for its place, too") {
  for (const Version version : {Version::kHttp11, Version::kHttp2}) {
    for (const uint32_t most : {1U, 8U}) {
      CAPTURE(http::toString(version));
      CAPTURE(most);
      RequestWorld w([&](Options& o) {
        o.pool.maxConnections = most;
        o.pool.maxStreamsPerConnection = 1;
      });
      Owner& busy = w.send(wish("/test", "", version));
      w.remote.listener.refuse();
      std::vector<Owner*> others;
      for (int i = 0; i < 3; ++i)
        others.push_back(&w.ask(wish("/ok", "", version)));
      w.run(milliseconds(5));
      w.change(Verdict::kRefusing, CircuitState::kOpen);
      w.run(milliseconds(80));
      for (Owner* owner : others)
        CHECK(owner->story().failure.type == ErrorType::kConnectionRefused);
      CHECK_FALSE(busy.story().over());
      w.remote.last().answer(200, "");
      w.until([&] { return busy.story().closed; });
    }
  }
}

// --- sent ------------------------------------------------------------------------------------------------------

TEST_CASE("retry: a request of which the peer may have seen something is not sent again") {
  for (const Version version : {Version::kHttp11, Version::kHttp2}) {
    for (const char* body : {"", "x"}) {
      CAPTURE(http::toString(version));
      CAPTURE(body);
      RequestWorld w;
      w.answered(version);
      Wish asked = wish("/test", body, version);
      asked.method = "DELETE";
      Owner& owner = w.send(asked);
      w.remote.connections.back()->abort();
      w.until([&] { return owner.story().over(); });
      CHECK(owner.story().failure.type == ErrorType::kConnectionTerminated);
      CHECK(owner.story().failure.party == Party::kPeer);
      REQUIRE(w.outcomes.seen.size() == 1);
      CHECK(w.outcomes.seen[0].outcome == Outcome::kReset);
      w.run(seconds(1));
      CHECK(w.remote.requests.size() == 2);
    }
  }
}

TEST_CASE("retry: nor is one whose stream alone was reset, for whatever reason but REFUSED_STREAM") {
  for (const auto reason : {http::ResetReason::kCancel, http::ResetReason::kInternal, http::ResetReason::kProtocol,
                            http::ResetReason::kEnhanceYourCalm, http::ResetReason::kNoError}) {
    CAPTURE(http::toString(reason));
    RequestWorld w;
    w.answered();
    Owner& owner = w.send(wish("/test"));
    resetStream(w.remote.last(), reason);
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().failure.type == (reason == http::ResetReason::kProtocol ? ErrorType::kHttpProtocolError
                                                                                : ErrorType::kConnectionTerminated));
    w.run(seconds(1));
    CHECK(w.remote.requests.size() == 2);
  }
}

TEST_CASE("retry: a bodyless safe request is replayed once when its pooled connection dies before an answer") {
  for (const Version version : {Version::kHttp11, Version::kHttp2}) {
    for (const char* method : {"GET", "HEAD", "OPTIONS"}) {
      CAPTURE(http::toString(version));
      CAPTURE(method);
      RequestWorld w;
      w.answered(version);
      Wish asked = wish("/test", "", version);
      asked.method = method;
      Owner& owner = w.send(asked);
      w.remote.connections.back()->abort();
      w.until([&] { return w.remote.requests.size() == 3; });
      CHECK_FALSE(owner.story().over());
      w.remote.connections.back()->abort();  // once, not twice
      w.until([&] { return owner.story().over(); });
      CHECK(owner.story().failed);
      CHECK(w.remote.requests.size() == 3);
      CHECK(w.outcomes.seen.size() == 1);
    }
  }
}

TEST_CASE("retry: no replay on a fresh connection, of a request with a body, or where it is switched off") {
  for (const int reason : {0, 1, 2}) {
    CAPTURE(reason);
    RequestWorld w([&](Options& o) { o.retry.replayIdempotent = reason != 2; });
    if (reason != 0) w.answered(Version::kHttp11);
    Owner& owner = w.send(wish("/test", reason == 1 ? "body" : "", Version::kHttp11));
    w.remote.connections.back()->abort();
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().failed);
    CHECK(w.remote.requests.size() == (reason == 0 ? 1 : 2));
  }
}

TEST_CASE("retry: an interim answer is an answer: no replay after it") {
  for (const Version version : {Version::kHttp11, Version::kHttp2}) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    w.answered(version);
    Owner& owner = w.send(wish("/test", "", version));
    w.remote.last().inform(103);
    w.settle();
    w.remote.connections.back()->abort();
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().events == "103 failed");
    w.run(seconds(1));
    CHECK(w.remote.requests.size() == 2);
  }
}

TEST_CASE("retry: an answer in part is a failure, and never tried again") {
  for (const Version version : {Version::kHttp11, Version::kHttp2}) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    w.answered(version);
    Owner& owner = w.send(wish("/test", "", version));
    w.remote.last().begin(200, 1000);
    w.remote.last().stream->sendData(Slice::copyOf("half"));
    w.settle();
    w.remote.connections.back()->abort();
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().events == "head data failed");
    CHECK(owner.story().failure.type == ErrorType::kHttpResponseIncomplete);
    CHECK(owner.story().failure.party == Party::kPeer);
    CHECK(w.outcomes.seen.size() == 1);  // it had answered
    CHECK(w.remote.requests.size() == 2);
  }
}

TEST_CASE("retry: of all requests that one broken connection takes along, one counts against the peer") {
  RequestWorld w;
  std::vector<Owner*> all;
  for (int i = 0; i < 10; ++i)
    all.push_back(&w.send(wish("/test", "body")));
  w.remote.connections.back()->abort();
  w.until([&] { return std::all_of(all.begin(), all.end(), [](Owner* o) { return o->story().over(); }); });
  CHECK(w.outcomes.seen.size() == 1);
  for (Owner* owner : all)
    CHECK(owner->story().failed);
}

// --- while it waits to go again --------------------------------------------------------------------------------

namespace {

/// Refused twice: waits for its third attempt.
Owner& backingOff(RequestWorld& w, Wish asked) {
  const std::string path = asked.path;
  refuseFirst(w, path, 2);
  Owner& owner = w.ask(asked);
  w.until([&] { return w.remote.requests.size() == 2; });
  w.until([&] { return owner.request().state() == State::kBackingOff; });
  return owner;
}

}  // namespace

TEST_CASE("retry: the peer's death ends the pause, too") {
  RequestWorld w;
  Owner& owner = backingOff(w, wish("/test"));
  w.change(Verdict::kDead, CircuitState::kOpen);
  CHECK(owner.story().failure.byCircuit);
  w.run(seconds(1));
  CHECK(w.remote.requests.size() == 2);
}

TEST_CASE("retry: a peer that turned suspect meanwhile is not asked before it is cleared") {
  RequestWorld w;
  Owner& owner = backingOff(w, wish("/ok"));
  w.change(Verdict::kSuspect);
  w.until([&] { return owner.request().state() == State::kHeld; });
  CHECK(w.remote.requests.size() == 2);
  w.change(Verdict::kAlive);
  w.until([&] { return owner.story().over(); });
  CHECK(owner.story().body == "hello");
}

TEST_CASE("retry: a circuit that opened meanwhile refuses it") {
  RequestWorld w;
  Owner& owner = backingOff(w, wish("/ok"));
  w.change(Verdict::kAlive, CircuitState::kOpen);
  w.until([&] { return owner.story().over(); });
  CHECK(owner.story().failure.byCircuit);
  CHECK(w.remote.requests.size() == 2);
}

TEST_CASE("retry: where there is no time for another try, what is known is told at once") {
  RequestWorld w([](Options& o) {
    o.retry.backoff = seconds(30);
    o.timeouts[0].request = seconds(1);
  });
  const TimePoint before = w.time.now();
  refuseFirst(w, "/test", 2);
  Owner& owner = w.ask(wish("/test"));
  w.until([&] { return owner.story().over(); });
  CHECK(w.time.now() - before < milliseconds(10));
  CHECK(owner.story().failure.type == ErrorType::kConnectionTerminated);
  CHECK(w.remote.requests.size() == 2);
  CHECK(w.outcomes.seen.empty());
}

TEST_CASE("retry: a deadline that passes in a pause of ours is not the peer's doing") {
  RequestWorld w;
  Wish asked = wish("/test");
  asked.deadline = milliseconds(300);
  Owner& owner = backingOff(w, asked);
  w.loop.block(w.time.now() + seconds(1));
  w.run(seconds(2));
  CHECK(owner.story().over());
  CHECK(owner.story().failure.party != Party::kPeer);
  CHECK(w.outcomes.seen.empty());
}
