// Goal: a request is admitted as its peer's circuit says, held and let go in order, and what came of it is told once.
// Method: requests to a peer in memory; after every step of the world lists and gauges agree with the requests' states.
#include "peerpulse/upstream/request.h"

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

constexpr Version kVersions[] = {Version::kHttp11, Version::kHttp2};

Wish wish(std::string path, Version version = Version::kHttp2, std::string body = "") {
  Wish w;
  w.path = std::move(path);
  w.version = version;
  w.body = std::move(body);
  return w;
}

}  // namespace

// --- the plain way ---------------------------------------------------------------------------------------------

TEST_CASE("request: answered and closed, and one outcome") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Owner& owner = w.make(wish("/ok", version));
    CHECK(owner.request().state() == State::kAdmitting);
    owner.start();
    CHECK(owner.request().state() == State::kWaiting);
    w.until([&] { return owner.request().state() == State::kSending; });
    CHECK(owner.request().sent());
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().events == "head data end closed");
    CHECK(owner.story().status == 200);
    CHECK(owner.story().body == "hello");
    REQUIRE(w.outcomes.seen.size() == 1);
    CHECK(w.outcomes.seen[0].peer == kPeer);
    CHECK(w.outcomes.seen[0].outcome == Outcome::kSuccess);
    CHECK(w.outcomes.seen[0].generation == w.table.load(kPeer).generation);
    CHECK(w.peer().requestsInFlight() == 0);
  }
}

TEST_CASE("request: any answer is one, and a 5xx is told as such") {
  RequestWorld w;
  for (const int status : {204, 301, 404, 499, 500, 503}) {
    CAPTURE(status);
    w.outcomes.seen.clear();
    Owner& owner = w.send(wish("/test"));
    w.remote.last().answer(status, "");
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().closed);
    REQUIRE(w.outcomes.seen.size() == 1);
    CHECK(w.outcomes.seen[0].outcome == (status >= 500 ? Outcome::kServerError : Outcome::kSuccess));
  }
}

TEST_CASE("request: never started, it just goes") {
  RequestWorld w;
  Owner& owner = w.make(wish("/ok"));
  SUBCASE("destroyed") { w.drop(owner); }
  SUBCASE("cancelled") {
    owner.request().cancel();
    CHECK(owner.request().ended());
  }
  w.settle();
  CHECK(w.stories.front().events == "");
  CHECK(w.remote.connections.empty());
}

TEST_CASE("request: h2 in, h2 out; h1 in, h1 out; unless forced; and upgrades as well") {
  const struct {
    Protocol configured;
    Version version;
    std::string upgrade;
    Version expected;
  } rows[] = {
      {Protocol::kAuto, Version::kHttp2, "", Version::kHttp2},
      {Protocol::kAuto, Version::kHttp11, "", Version::kHttp11},
      {Protocol::kAuto, Version::kHttp10, "", Version::kHttp11},
      {Protocol::kHttp1, Version::kHttp2, "", Version::kHttp11},
      {Protocol::kHttp2, Version::kHttp11, "", Version::kHttp2},
      {Protocol::kAuto, Version::kHttp11, "test", Version::kHttp11},
      {Protocol::kHttp2, Version::kHttp11, "test", Version::kHttp2},
  };
  for (const auto& row : rows) {
    RequestWorld w({}, row.configured);
    Wish asked = wish("/test", row.version);
    asked.upgrade = row.upgrade;
    w.send(asked);
    CHECK(w.remote.last().head.version == row.expected);
  }
}

TEST_CASE("request: its options are those it began with, whatever is configured meanwhile") {
  RequestWorld w([](Options& o) { o.timeouts[0].request = seconds(5); });
  Owner& old = w.ask(wish("/hang"));
  w.context.options = World::optionsWith([](Options& o) { o.timeouts[0].request = seconds(1); });
  Owner& young = w.ask(wish("/hang"));
  const TimePoint start = w.time.now();
  w.until([&] { return young.story().over(); });
  CHECK(w.time.now() - start == seconds(1));
  CHECK_FALSE(old.story().over());
  w.until([&] { return old.story().over(); });
  CHECK(w.time.now() - start == seconds(5));
}

// --- refused ---------------------------------------------------------------------------------------------------

TEST_CASE("request: an open circuit refuses at once, from inside start(), and that says nothing about the peer") {
  for (const Verdict verdict : {Verdict::kDead, Verdict::kRefusing, Verdict::kStalled, Verdict::kAlive}) {
    CAPTURE(health::toString(verdict));
    RequestWorld w;
    w.change(verdict, CircuitState::kOpen);
    Owner& owner = w.ask(wish("/ok", Version::kHttp2, "body"));
    CHECK(owner.story().events == "failed");
    CHECK(owner.story().failure.byCircuit);
    CHECK(owner.story().failure.party == Party::kSelf);
    CHECK(owner.story().failure.type ==
          (verdict == Verdict::kRefusing ? ErrorType::kConnectionRefused : ErrorType::kDestinationUnavailable));
    CHECK_FALSE(owner.request().sent());
    w.settle();
    CHECK(w.outcomes.seen.empty());
    CHECK(w.remote.connections.empty());
  }
}

TEST_CASE("request: the refusal is made once for each word of the circuit") {
  RequestWorld w;
  w.change(Verdict::kDead, CircuitState::kOpen);
  const Failure& first = w.peer().refusal(w.peer().word());
  const std::string detail = first.detail;
  CHECK(&w.peer().refusal(w.peer().word()) == &first);
  w.change(Verdict::kRefusing, CircuitState::kOpen);
  CHECK(w.peer().refusal(w.peer().word()).detail != detail);
}

TEST_CASE("request: too many wait already: our own limit, and no word about the peer") {
  RequestWorld w([](Options& o) { o.pool.maxPending = 1; });
  w.ask(wish("/ok", Version::kHttp11));
  Owner& second = w.ask(wish("/ok", Version::kHttp11));
  CHECK(second.story().failure.type == ErrorType::kConnectionLimitReached);
  CHECK(second.story().failure.party == Party::kSelf);
  CHECK(w.outcomes.seen.empty());
}

TEST_CASE("request: an open circuit is ignored and counted when its prober has stopped") {
  RequestWorld w;
  w.answered();
  w.change(Verdict::kAlive, CircuitState::kOpen);
  w.stopProber();
  w.run(seconds(2));
  Owner& owner = w.ask(wish("/ok"));
  w.until([&] { return owner.story().over(); });
  CHECK(owner.story().status == 200);
  CHECK(w.peerStats().failOpenTotal.get() == 1);
}

TEST_CASE(
    "request: with the prober stopped nothing that it said limits anybody: no reuse, connects or ramp of a bad "
    "word") {
  for (const Verdict verdict : {Verdict::kDead, Verdict::kRefusing, Verdict::kStalled, Verdict::kSuspect}) {
    for (const Version version : kVersions) {
      CAPTURE(health::toString(verdict));
      CAPTURE(http::toString(version));
      RequestWorld w([](Options& o) {
        o.pool.maxConnections = 4;
        o.pool.maxStreamsPerConnection = 1;
      });
      w.publish(verdict, verdict == Verdict::kSuspect ? CircuitState::kClosed : CircuitState::kOpen);
      w.stopProber();
      w.run(seconds(2));
      std::vector<Owner*> all;
      for (int i = 0; i < 20; ++i)  // more than fit: they wait for each other, and for nothing else
        all.push_back(&w.ask(wish("/ok", version)));
      CHECK(w.peer().requestsHeld() == 0);
      w.until([&] { return std::all_of(all.begin(), all.end(), [](Owner* o) { return o->story().over(); }); },
              milliseconds(20));
      for (Owner* owner : all)
        CHECK(owner->story().status == 200);
      CHECK(w.peerStats().failOpenTotal.get() == (verdict == Verdict::kSuspect ? 0 : 20));
    }
  }
}

// --- held ------------------------------------------------------------------------------------------------------

TEST_CASE("request: held while the peer is unknown or suspect, it goes on when that is cleared") {
  for (const Verdict verdict : {Verdict::kUnknown, Verdict::kSuspect}) {
    CAPTURE(health::toString(verdict));
    RequestWorld w;
    w.change(verdict);
    Owner& owner = w.ask(wish("/echo", Version::kHttp2, "held body"));
    CHECK(owner.request().state() == State::kHeld);
    CHECK(w.peer().requestsHeld() == 1);
    w.run(milliseconds(50));
    CHECK(w.remote.connections.empty());
    w.change(Verdict::kAlive);
    CHECK(owner.request().state() == State::kWaiting);
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().body == "held body");
    CHECK(w.peerStats().heldTotal.get() == 1);
    CHECK(w.peerStats().rampedTotal.get() == 0);
  }
}

TEST_CASE("request: held too long, it goes on, to a fresh connection") {
  RequestWorld w;
  w.answered(Version::kHttp11);
  w.change(Verdict::kSuspect);
  const TimePoint before = w.time.now();
  Owner& owner = w.ask(wish("/ok", Version::kHttp11));
  w.until([&] { return owner.request().state() != State::kHeld; });
  CHECK(w.time.now() - before == milliseconds(100));
  w.until([&] { return owner.story().over(); });
  CHECK(owner.story().closed);
  CHECK(w.remote.connections.size() == 2);
}

TEST_CASE("request: held requests fail at once when the suspicion proves true") {
  RequestWorld w;
  w.change(Verdict::kSuspect);
  Owner& first = w.ask(wish("/ok"));
  Owner& second = w.ask(wish("/ok"));
  w.change(Verdict::kDead, CircuitState::kOpen);
  CHECK(first.request().ended());
  CHECK(second.request().ended());
  CHECK(first.story().failure.byCircuit);
  CHECK(w.outcomes.seen.empty());
  CHECK(w.peerStats().failedInFlightTotal.get() == 0);  // they were not in flight
}

TEST_CASE("request: held requests go in the order in which they came") {
  RequestWorld w;
  w.change(Verdict::kSuspect);
  for (int i = 0; i < 50; ++i)
    w.ask(wish("/" + std::to_string(i)));
  w.change(Verdict::kAlive);
  w.until([&] { return w.remote.requests.size() == 50; });
  int expected = 0;
  for (const auto& request : w.remote.requests)
    CHECK(request->head.path == "/" + std::to_string(expected++));
}

TEST_CASE("request: its deadlines go on while held, and that is not the peer's doing") {
  RequestWorld w([](Options& o) { o.timeouts[0].request = milliseconds(60); });
  w.change(Verdict::kSuspect);
  const TimePoint before = w.time.now();
  Owner& owner = w.ask(wish("/ok"));
  w.until([&] { return owner.story().over(); });
  CHECK(w.time.now() - before == milliseconds(60));
  CHECK(owner.story().failure.type == ErrorType::kHttpResponseTimeout);
  CHECK(owner.story().failure.timedOut);
  CHECK(owner.story().failure.party == Party::kSelf);
  CHECK(w.outcomes.seen.empty());
}

TEST_CASE("request: after an outage one goes at once, the others step by step") {
  RequestWorld w;
  w.change(Verdict::kDead, CircuitState::kOpen);
  w.change(Verdict::kAlive);
  std::vector<Owner*> all;
  for (int i = 0; i < 30; ++i)
    all.push_back(&w.ask(wish("/ok")));
  CHECK(w.peer().requestsHeld() == 29);
  CHECK(w.peer().requestsInFlight() == 1);
  CHECK(w.peerStats().rampedTotal.get() == 29);
  const TimePoint before = w.time.now();
  w.until([&] { return std::all_of(all.begin(), all.end(), [](Owner* o) { return o->story().over(); }); });
  CHECK(w.time.now() - before > milliseconds(50));
  CHECK(w.time.now() - before < milliseconds(250));
  CHECK(w.peerStats().heldTotal.get() == 0);
}

// --- trials ----------------------------------------------------------------------------------------------------

TEST_CASE("request: half-open lets one trial through at a time, and its outcome decides") {
  RequestWorld w;
  w.change(Verdict::kAlive, CircuitState::kHalfOpen);
  Owner& trial = w.send(wish("/test"));
  Owner& refused = w.ask(wish("/ok"));
  CHECK(refused.story().failure.byCircuit);
  w.remote.last().answer(200, "");
  w.until([&] { return trial.story().over(); });
  CHECK(w.outcomes.seen.size() == 1);
  w.drop(trial);
  w.loop.clearDeferred();
  Owner& stillNone = w.ask(wish("/ok"));  // until the prober has drawn its conclusion
  CHECK(stillNone.story().failed);
  w.change(Verdict::kAlive, CircuitState::kHalfOpen);
  Owner& next = w.ask(wish("/ok"));
  w.until([&] { return next.story().closed; });
}

TEST_CASE("request: a trial that ends without an outcome is given back") {
  RequestWorld w([](Options& o) { o.retry.maxRetries = 0; });
  w.change(Verdict::kAlive, CircuitState::kHalfOpen);
  const char* how = "";
  Wish asked = wish("/test");
  SUBCASE("cancelled while it waits") {
    how = "waiting";
    w.ask(asked).request().cancel();
  }
  SUBCASE("cancelled when sent") {
    how = "sent";
    w.send(asked).request().cancel();
  }
  SUBCASE("destroyed") {
    how = "destroyed";
    w.drop(w.send(asked));
    w.settle();
  }
  SUBCASE("by the client's deadline") {
    how = "deadline";
    asked.deadline = milliseconds(10);
    Owner& owner = w.send(asked);
    w.until([&] { return owner.story().failed; });
  }
  SUBCASE("refused: alive, but nothing was tried") {
    how = "refused";
    asked.path = "/refuse-once";
    Owner& owner = w.send(asked);
    w.until([&] { return owner.story().failed; });
  }
  CAPTURE(how);
  CHECK(w.outcomes.seen.empty());
  Owner& next = w.ask(wish("/ok"));
  w.until([&] { return next.story().over(); });
  CHECK(next.story().closed);
}

TEST_CASE("request: a trial that is sent again is the same trial") {
  RequestWorld w;
  w.change(Verdict::kAlive, CircuitState::kHalfOpen);
  Owner& trial = w.ask(wish("/refuse-once", Version::kHttp2, "body"));
  w.until([&] { return trial.story().over(); });
  CHECK(trial.story().closed);
  CHECK(w.outcomes.seen.size() == 1);
}
