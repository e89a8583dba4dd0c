// Goal: when many requests fail together, no turn of the loop lasts longer than a slice, and each is told once.
// Method: each owner takes some virtual time to be told.
#include "failure_queue.h"

#include "request_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;
using health::CircuitState;
using health::Verdict;
using http::Version;

namespace {

constexpr Duration kUnit = microseconds(50);
constexpr size_t kPerSlice = event::SlicedWork::kSlice / kUnit;

Wish post(std::string path, Version version = Version::kHttp2) {
  Wish wish;
  wish.path = std::move(path);
  wish.method = "POST";  // never replayed
  wish.version = version;
  wish.trafficClass = TrafficClass::kStream;
  return wish;
}

std::vector<Owner*> askMany(RequestWorld& w, size_t count, const Wish& wish) {
  std::vector<Owner*> all;
  for (size_t i = 0; i < count; ++i) {
    all.push_back(&w.ask(wish));
    all.back()->on = [&w](const std::string& event) {
      if (event == "failed") w.time.advanceTo(w.time.now() + kUnit);
    };
  }
  return all;
}

size_t failedOf(const std::vector<Owner*>& all) {
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), [](Owner* o) { return o->story().failed; }));
}

/// Until all have failed; the most that failed in one turn.
size_t mostInATurn(RequestWorld& w, const std::vector<Owner*>& all) {
  size_t before = failedOf(all);
  size_t most = 0;
  w.until([&] {
    const size_t now = failedOf(all);
    most = std::max(most, now - before);
    before = now;
    return now == all.size();
  });
  return most;
}

World::Configure manyStreams() {
  return [](Options& o) {
    o.pool.maxStreamsPerConnection = 1024;
    o.retry.maxRetries = 0;
  };
}

}  // namespace

TEST_CASE("failure queue: few that fail together are told at once") {
  RequestWorld w;
  const auto all = askMany(w, 5, post("/hang"));
  w.until([&] { return w.remote.requests.size() == 5; });
  w.remote.connections.front()->abort();
  w.until([&] { return failedOf(all) > 0; });
  CHECK(failedOf(all) == 5);
}

TEST_CASE("failure queue: a lost connection with a thousand streams does not stop the loop") {
  RequestWorld w(manyStreams());
  w.answered(Version::kHttp2, TrafficClass::kStream);  // it knows now how many streams the peer takes
  const auto all = askMany(w, 1000, post("/hang"));
  w.until([&] { return w.remote.requests.size() == 1001; });
  w.remote.connections.front()->abort();
  CHECK(mostInATurn(w, all) <= kPerSlice);
  CHECK(w.outcomes.seen.size() == 1);
  for (Owner* owner : all) {
    CHECK(owner->story().ends == 1);
    CHECK(owner->story().failure.type == ErrorType::kConnectionTerminated);
  }
  CHECK(w.peer().requestsInFlight() == 0);
}

TEST_CASE("failure queue: neither do a thousand who wait for a connection when it is refused, or the circuit opens") {
  for (const bool refused : {true, false}) {
    CAPTURE(refused);
    RequestWorld w(manyStreams());
    if (refused) {
      w.remote.listener.refuse();
    } else {
      w.cutPath(true);
    }
    const auto all = askMany(w, 1000, post("/hang"));
    if (!refused) {
      w.run(milliseconds(5));
      w.loop.post([&] {
        w.publish(Verdict::kAlive, CircuitState::kOpen);
        w.peer().onCircuitChange(w.time.now());
      });
    }
    CHECK(mostInATurn(w, all) <= kPerSlice);
  }
}

TEST_CASE("failure queue: who is cancelled, destroyed or given more before its turn is told nothing else") {
  RequestWorld w(manyStreams());
  auto all = askMany(w, 100, post("/hang"));
  w.until([&] { return w.remote.requests.size() == 100; });
  w.remote.connections.front()->abort();
  w.until([&] { return failedOf(all) > 0; });
  REQUIRE(all[50]->request().state() == Request::State::kFailing);
  all[50]->request().cancel();
  w.drop(*all[60]);
  w.loop.clearDeferred();
  all[70]->give("more");
  all[70]->giveEnd();
  all[70]->request().consumed(0);
  w.run(seconds(1));
  CHECK(w.stories[50].events.empty());
  CHECK(w.stories[60].events.empty());
  CHECK(w.stories[70].events == "failed");
  CHECK(w.peer().requestsInFlight() == 0);
}

TEST_CASE("failure queue: a peer that dies meanwhile takes all of them, each told of what happened to it first") {
  RequestWorld w(manyStreams());
  const auto all = askMany(w, 100, post("/hang"));
  w.until([&] { return w.remote.requests.size() == 100; });
  w.remote.connections.front()->abort();
  w.until([&] { return failedOf(all) > 0; });
  w.change(Verdict::kDead, CircuitState::kOpen);
  w.until([&] { return failedOf(all) == 100; });
  for (Owner* owner : all) {
    CHECK(owner->story().ends == 1);
    CHECK(owner->story().failure.type == ErrorType::kConnectionTerminated);
  }
}
