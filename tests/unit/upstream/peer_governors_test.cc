// Goal: what a slow peer's requests meet, by mode: refused before anything is sent, told as our own limit that has nothing to
// do with circuit, score or connections; or only counted. And what others see of it.
#include "peer_governors.h"

#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

#include "request_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;

namespace {

struct Watcher final : GovernorWatcher {
  void onSlowPeer(const GovernorReport& report) override { begun.push_back(report); }
  void onSlowPeerOver(const GovernorReport& report) override { over.push_back(report); }
  std::vector<GovernorReport> begun, over;
};

Wish wishFor(const std::string& path, TrafficClass trafficClass = TrafficClass::kControl) {
  Wish wish;
  wish.path = path;
  wish.trafficClass = trafficClass;
  return wish;
}

/// A peer that was quick, and then answers when it is told to.
struct SlowWorld : RequestWorld {
  explicit SlowWorld(GovernorMode mode) : RequestWorld([mode](Options& options) { options.governor.mode = mode; }) {
    context.governorWatcher = &watcher;
    for (int i = 0; i < 3; ++i) {
      for (int k = 0; k < 8; ++k)
        answered();
      run(milliseconds(300));
    }
  }
  ~SlowWorld() { context.governorWatcher = nullptr; }

  /// Ten a second that are not answered.
  void pile(int count) {
    for (int i = 0; i < count; ++i) {
      ask(wishFor("/slow"));
      run(milliseconds(100));
    }
  }
  void answerAll() {
    for (const auto& request : remote.requests) {
      if (request->stream != nullptr && request->head.path == "/slow") request->answer(200, "late");
    }
    settle();
  }
  size_t failed() const {
    return static_cast<size_t>(
        std::count_if(stories.begin(), stories.end(), [](const Story& story) { return story.failed; }));
  }
  stats::GovernorStats& seen(TrafficClass c = TrafficClass::kControl) {
    return peerStats().governors[static_cast<size_t>(c)];
  }
  void publish() { peer().governors().publish(); }
  Watcher watcher;
};

}  // namespace

TEST_CASE(
    "peer governors: a slow peer's requests are refused before anything is sent, and that is nobody's failure") {
  SlowWorld w(GovernorMode::kEnforce);
  const size_t served = w.remote.requests.size();
  w.pile(30);
  CHECK(w.failed() > 0);
  CHECK(w.failed() == w.seen().shed.get());
  CHECK(w.seen().wouldShed.get() == 0);
  CHECK(w.remote.requests.size() == served + 30 - w.failed());
  const Story& last = w.stories.back();
  REQUIRE(last.failed);
  CHECK(last.events == "failed");
  CHECK(last.failure.type == ErrorType::kConnectionLimitReached);
  CHECK(last.failure.party == Party::kSelf);
  CHECK(last.failure.shed);
  CHECK_FALSE(last.failure.byCircuit);
  CHECK_FALSE(last.failure.timedOut);
  CHECK_FALSE(w.owners.back()->request().mayHaveTakenEffect());
  CHECK(w.outcomes.seen.empty());
  CHECK(w.peer().requestsInFlight() == 30 - w.failed());
}

TEST_CASE("peer governors: observed, nothing is refused and all of it is counted") {
  SlowWorld w(GovernorMode::kObserve);
  w.pile(30);
  CHECK(w.failed() == 0);
  CHECK(w.seen().shed.get() == 0);
  CHECK(w.seen().wouldShed.get() > 0);
  CHECK(w.peer().requestsInFlight() == 30);
  REQUIRE(w.watcher.begun.size() == 1);
  CHECK_FALSE(w.watcher.begun[0].enforced);
}

TEST_CASE("peer governors: off, nothing is known of it") {
  SlowWorld w(GovernorMode::kOff);
  w.pile(30);
  w.publish();
  CHECK(w.failed() == 0);
  CHECK(w.peer().governors().find(TrafficClass::kControl) == nullptr);
  CHECK(w.seen().knowing.get() == 0);
}

TEST_CASE("peer governors: the beginning and the end are told, once") {
  SlowWorld w(GovernorMode::kEnforce);
  w.pile(30);
  REQUIRE(w.watcher.begun.size() == 1);
  const GovernorReport& begun = w.watcher.begun[0];
  CHECK(begun.enforced);
  CHECK(begun.trafficClass == TrafficClass::kControl);
  CHECK(begun.limit == 8);
  CHECK(begun.inFlight >= 8);
  CHECK(begun.latency > milliseconds(50));
  CHECK(begun.baseline < milliseconds(1));
  CHECK(w.watcher.over.empty());
  w.answerAll();
  const uint64_t shed = w.seen().shed.get();
  for (int i = 0; i < 20; ++i) {
    for (int k = 0; k < 8; ++k)
      w.answered();
    w.run(milliseconds(300));
  }
  CHECK(w.seen().shed.get() == shed);
  CHECK(w.watcher.begun.size() == 1);
  REQUIRE(w.watcher.over.size() == 1);
  CHECK(w.watcher.over[0].refused == shed);
}

TEST_CASE("peer governors: what others see, as of the last second") {
  SlowWorld w(GovernorMode::kEnforce);
  w.publish();
  CHECK(w.seen().knowing.get() == 1);
  CHECK(w.seen().baselineMicros.get() > 100);
  CHECK(w.seen().limiting.get() == 0);
  w.pile(30);
  w.publish();
  w.publish();  // sums, not added again
  CHECK(w.seen().limiting.get() == 1);
  CHECK(w.seen().limit.get() == 8);
  CHECK(w.seen().inFlight.get() == w.peer().requestsInFlight());
  CHECK(w.seen().latencyMicros.get() > 50'000);
}

TEST_CASE("peer governors: classes do not share a limit, and streams and tunnels have none") {
  SlowWorld w(GovernorMode::kEnforce);
  w.pile(30);
  const uint64_t shed = w.seen().shed.get();
  Owner& bulk = w.send(wishFor("/ok", TrafficClass::kBulk));
  CHECK_FALSE(bulk.story().failed);
  Owner& stream = w.send(wishFor("/ok", TrafficClass::kStream));
  CHECK_FALSE(stream.story().failed);
  Wish upgrade = wishFor("/tunnel");
  upgrade.version = http::Version::kHttp11;
  upgrade.upgrade = "websocket";
  Owner& tunnel = w.send(upgrade);
  CHECK_FALSE(tunnel.story().failed);
  CHECK(w.seen().shed.get() == shed);
}

TEST_CASE("peer governors: a peer that dies and comes back begins anew") {
  SlowWorld w(GovernorMode::kEnforce);
  w.pile(30);
  REQUIRE(w.seen().shed.get() > 0);
  w.change(health::Verdict::kDead, health::CircuitState::kOpen);
  CHECK(w.watcher.over.size() == 1);
  w.settle();
  w.change(health::Verdict::kAlive);
  w.run(milliseconds(300));
  const Governor* governor = w.peer().governors().find(TrafficClass::kControl);
  REQUIRE(governor != nullptr);
  CHECK_FALSE(governor->limiting());
  CHECK(governor->inFlight() == 0);
  w.answered();
}

TEST_CASE("peer governors: a body is no latency, whatever its client's pace") {
  SlowWorld w(GovernorMode::kEnforce);
  for (int i = 0; i < 24; ++i) {
    Wish upload = wishFor("/echo");
    upload.bodyByHand = true;
    Owner& owner = w.send(upload);
    for (int k = 0; k < 5; ++k) {
      owner.give("slowly");
      w.run(milliseconds(100));
    }
    owner.giveEnd();
    w.until([&] { return owner.story().over(); });
  }
  const Governor* governor = w.peer().governors().find(TrafficClass::kControl);
  CHECK(governor->latency() < milliseconds(5));
  CHECK_FALSE(governor->limiting());
}
