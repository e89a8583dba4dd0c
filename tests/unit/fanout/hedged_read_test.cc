// Goal: a read does not wait for who is late; one more request is all it costs, within the budget; what is not needed any more is
// cancelled and counts against nobody. And what a peer's own latency makes of its timeouts.
#include "hedged_read.h"

#include <functional>

#include "fanout_world.h"

using namespace peerpulse;
using namespace peerpulse::fanout;
using namespace peerpulse::fanout::test;
using nlohmann::json;
using peerpulse::test::ServedRequest;

namespace {

/// Peers that take their time: each answers after what it is told, "x" if not told otherwise. None: never.
struct SlowWorld : FanoutWorld {
  using Delay = std::function<std::optional<Duration>(size_t nth)>;  // of a peer's requests, from 0

  explicit SlowWorld(const std::function<void(Options&)>& configure = {}) : FanoutWorld(configure) {
    for (size_t i = 0; i < kPeers; ++i)
      remote(i).onRequest = [this, i](ServedRequest& served) { serve(i, served); };
  }
  ~SlowWorld() { timers_.clear(); }

  void serve(size_t peer, ServedRequest& served) {
    served.head.path = "/script/none";  // the answer is ours
    const auto delay = delays[peer] ? delays[peer](counts_[peer]) : milliseconds(1);
    ++counts_[peer];
    if (!delay) return;
    later(*delay, [&served, peer] {
      if (served.stream != nullptr) served.answer(200, "from " + std::to_string(peer + 2));
    });
  }
  void later(Duration delay, std::function<void()> action) {
    timers_.push_back(outside.createTimer(std::move(action)));
    timers_.back()->enable(delay);
  }
  json get(const std::string& path, std::vector<std::pair<std::string, std::string>> fields) {
    return answerTo(ask("GET", path, "", fields));
  }
  /// Its answers are known, and quick.
  void teach(size_t reads = 60) {
    for (size_t i = 0; i < reads; ++i)
      CHECK(get("/aggregate/x", {})["answered"] == 3);
  }
  uint64_t hedges(size_t operation, size_t result) { return stats.fanout.operations[operation].hedges[result].get(); }
  uint64_t overBudget(size_t operation) { return stats.fanout.operations[operation].hedgesOverBudget.get(); }
  size_t asked(size_t peer) const { return counts_[peer]; }
  void countAsked(size_t peer) { ++counts_[peer]; }
  void checkNobodyBlamed() {
    for (size_t i = 0; i < kPeers; ++i) {
      const stats::PeerStats& peer = stats.peer(PeerId{static_cast<uint32_t>(i)});
      CHECK(peer.failuresTotal.get() == 0);
      CHECK(peer.evictionsTotal.get() == 0);
      for (const auto& by : peer.failuresBy)
        CHECK(by.get() == 0);
    }
    for (const health::OutcomeRecord& record : outcomes.seen)
      CHECK(record.outcome == health::Outcome::kSuccess);
  }

  std::array<Delay, kPeers> delays;

 private:
  std::array<size_t, kPeers> counts_{};
  std::list<std::unique_ptr<event::Timer>> timers_;
};

constexpr size_t kQuorum = 0, kAggregate = 1;       // operations
constexpr size_t kWon = 0, kLost = 1, kFailed = 2;  // results
std::optional<Duration> firstHangs(size_t nth) {
  return nth == 0 ? std::nullopt : std::optional<Duration>(milliseconds(1));
}
std::optional<Duration> hangs(size_t) { return std::nullopt; }

}  // namespace

// --- the same peer again ---------------------------------------------------------------------------------------

TEST_CASE("hedged read: an aggregate asks a late peer again, over another connection") {
  for (const bool http2 : {true, false}) {
    CAPTURE(http2);
    SlowWorld w;
    w.delays[0] = firstHangs;
    http::HeaderList fields;
    fields.add("peerpulse-hedge", "20ms");
    ClientRequest& request = w.caller(http2).send("GET", "/aggregate/x", "", fields);
    w.until([&] { return request.done(); }, milliseconds(25));
    const json answer = json::parse(request.body);
    CHECK(answer["answered"] == 3);
    CHECK(answer["peers"][0]["text"] == "from 2");
    CHECK(answer["peers"][0]["hedge"] == "won");
    CHECK_FALSE(answer["peers"][1].contains("hedge"));
    CHECK(w.asked(0) == 2);
    CHECK(w.remote(0).connections.size() == 2);
    w.settle();
    CHECK(w.remote(0).requests.front()->gone);
    CHECK(w.hedges(kAggregate, kWon) == 1);
    w.checkNobodyBlamed();
  }
}

TEST_CASE("hedged read: the first answer counts, whichever it is") {
  SlowWorld w;
  w.delays[0] = [](size_t nth) { return std::optional<Duration>(nth == 0 ? milliseconds(30) : milliseconds(50)); };
  const json answer = w.get("/aggregate/x", {{"peerpulse-hedge", "20ms"}});
  CHECK(answer["peers"][0]["state"] == "ok");
  CHECK(answer["peers"][0]["hedge"] == "lost");
  w.settle();
  CHECK(w.remote(0).requests.back()->gone);
  CHECK(w.hedges(kAggregate, kLost) == 1);
  w.checkNobodyBlamed();
}

TEST_CASE("hedged read: one of the two that breaks leaves it to the other") {
  for (const size_t broken : {size_t{0}, size_t{1}}) {
    CAPTURE(broken);
    SlowWorld w;
    w.delays[0] = [&](size_t nth) {
      return nth == broken ? std::nullopt : std::optional<Duration>(milliseconds(60));
    };
    ClientRequest& request = w.ask("GET", "/aggregate/x", "", {{"peerpulse-hedge", "20ms"}});
    w.run(milliseconds(30));
    REQUIRE(w.asked(0) == 2);
    ServedRequest& served = broken == 0 ? *w.remote(0).requests.front() : w.remote(0).last();
    std::exchange(served.stream, nullptr)->reset(http::ResetReason::kInternal);
    const json answer = w.answerTo(request);
    CHECK(answer["peers"][0]["state"] == "ok");
    CHECK(answer["peers"][0]["hedge"] == (broken == 0 ? "won" : "failed"));
  }
}

TEST_CASE("hedged read: who answers neither has had its time once") {
  SlowWorld w([](Options& o) { o.peerTimeout = milliseconds(300); });
  w.delays[0] = hangs;
  const TimePoint before = w.time.now();
  const json answer = w.get("/aggregate/x", {{"peerpulse-hedge", "20ms"}});
  CHECK(w.time.now() - before < milliseconds(305));
  CHECK(answer["peers"][0]["state"] == "timeout");
  CHECK(answer["peers"][0]["party"] == "peer");
  CHECK(answer["peers"][0]["hedge"] == "failed");
  CHECK(w.hedges(kAggregate, kFailed) == 1);
}

TEST_CASE("hedged read: a process that is stopped is not asked again") {
  SlowWorld w([](Options& o) { o.peerTimeout = milliseconds(300); });
  w.delays[0] = hangs;
  w.table.publishOwing(PeerId{0}, true);
  CHECK_FALSE(w.get("/aggregate/x", {{"peerpulse-hedge", "20ms"}})["peers"][0].contains("hedge"));
  CHECK(w.asked(0) == 1);
}

TEST_CASE("hedged read: off unless asked for, and auto waits until something is known") {
  SlowWorld w([](Options& o) { o.peerTimeout = milliseconds(300); });
  w.delays[0] = hangs;
  CHECK_FALSE(w.get("/aggregate/x", {})["peers"][0].contains("hedge"));
  CHECK_FALSE(w.get("/aggregate/x", {{"peerpulse-hedge", "auto"}})["peers"][0].contains("hedge"));
  CHECK(w.asked(0) == 2);
}

TEST_CASE("hedged read: auto is later than most of the peer's own answers") {
  SlowWorld w([](Options& o) { o.hedge.automatic = true; });
  w.delays[1] = [](size_t) { return std::optional<Duration>(milliseconds(40)); };  // slow, as ever
  w.teach();
  CHECK(w.overBudget(kAggregate) == 0);
  const uint64_t before = w.hedges(kAggregate, kWon) + w.hedges(kAggregate, kLost);
  CHECK(before <= 6);
  w.delays[0] = [](size_t nth) { return std::optional<Duration>(nth == 60 ? seconds(1) : milliseconds(1)); };
  const json answer = w.get("/aggregate/x", {});
  CHECK(answer["peers"][0]["hedge"] == "won");
  CHECK(answer["peers"][0]["took_ms"] < 10);
  CHECK(answer["peers"][1]["took_ms"] >= 40);
}

TEST_CASE("hedged read: the retry budget bounds it") {
  SlowWorld w;
  w.delays[0] = [](size_t) { return std::optional<Duration>(milliseconds(30)); };
  constexpr size_t kReads = 100;
  for (size_t i = 0; i < kReads; ++i)
    w.get("/aggregate/x", {{"peerpulse-hedge", "10ms"}});
  const uint64_t hedges = w.asked(0) - kReads;
  CHECK(hedges >= 10);
  CHECK(hedges <= 10 + (kReads + hedges) / 10);  // what was saved up, and a tenth
  CHECK(w.overBudget(kAggregate) == kReads - hedges);
  w.checkNobodyBlamed();
}

// --- one peer more ---------------------------------------------------------------------------------------------

TEST_CASE("hedged read: a quorum of reads asks as many as it needs, and has their answers") {
  SlowWorld w;
  const json answer = w.get("/quorum/x", {{"peerpulse-quorum", "2"}, {"peerpulse-hedge", "50ms"}});
  CHECK(answer["achieved"] == 2);
  CHECK(answer["peers"][0]["text"] == "from 2");
  CHECK(answer["peers"][2]["state"] == "cancelled");
  CHECK(w.asked(2) == 0);
  CHECK(w.hedges(kQuorum, kWon) + w.hedges(kQuorum, kLost) == 0);
}

TEST_CASE("hedged read: without hedging a quorum of reads asks all, and stops with the last one it needs") {
  SlowWorld w;
  w.delays[2] = hangs;
  const json answer = w.get("/quorum/x", {{"peerpulse-quorum", "2"}});
  CHECK(answer["achieved"] == 2);
  CHECK(answer["peers"][2]["state"] == "cancelled");
  CHECK(w.asked(2) == 1);
  w.settle();
  CHECK(w.remote(2).last().gone);
  CHECK(w.stats.fanout.running.get() == 0);
  w.checkNobodyBlamed();
}

TEST_CASE("hedged read: who answers errors is quick, and asked last for a while") {
  SlowWorld w;
  w.teach();
  w.remote(0).onRequest = [&](ServedRequest& served) {
    w.countAsked(0);
    served.head.path = "/script/none";
    served.answer(500, "broken");
  };
  const size_t before = w.asked(0);
  for (int i = 0; i < 10; ++i)
    CHECK(w.get("/quorum/x", {{"peerpulse-quorum", "1"}, {"peerpulse-hedge", "1s"}})["achieved"] == 1);
  CHECK(w.asked(0) == before + 1);
  // What is not there is an answer, and no fault of who says so.
  for (size_t i = 1; i < 3; ++i) {
    w.remote(i).onRequest = [&, i](ServedRequest& served) {
      w.countAsked(i);
      served.head.path = "/script/none";
      served.answer(404, "");
    };
  }
  CHECK(w.get("/quorum/x", {{"peerpulse-quorum", "1"}, {"peerpulse-hedge", "1s"}})["achieved"] == 0);
  CHECK(w.asked(0) == before + 2);
  CHECK(w.get("/quorum/x", {{"peerpulse-quorum", "1"}, {"peerpulse-hedge", "1s"}})["achieved"] == 0);
  CHECK(w.stats.peer(PeerId{1}).readFailedNanos.get() == 0);
  // Later it has its chance.
  w.time.runFor(std::chrono::minutes(1));
  w.remote(0).onRequest = [&](ServedRequest& served) { w.serve(0, served); };
  CHECK(w.get("/quorum/x", {{"peerpulse-quorum", "1"}, {"peerpulse-hedge", "1s"}})["achieved"] == 1);
  CHECK(w.stats.peer(PeerId{0}).readFailedNanos.get() == 0);
}

TEST_CASE("hedged read: nobody is asked after the caller's deadline") {
  SlowWorld w;
  w.delays[0] = hangs;
  const TimePoint before = w.time.now();
  const json answer =
      w.get("/quorum/x", {{"peerpulse-quorum", "1"}, {"peerpulse-hedge", "1s"}, {"peerpulse-timeout", "50ms"}});
  CHECK(w.time.now() - before < milliseconds(55));
  CHECK(answer["achieved"] == 0);
  CHECK(answer["peers"][1]["state"] == "cancelled");
  w.settle();
  CHECK(w.asked(1) == 0);
  CHECK(w.asked(2) == 0);
}

TEST_CASE("hedged read: one whose answer is on its way is not late") {
  SlowWorld w;
  w.remote(0).onRequest = [](ServedRequest& served) {
    served.head.path = "/script/none";
    served.begin(200, 3);
  };
  ClientRequest& request = w.ask("GET", "/quorum/x", "", {{"peerpulse-quorum", "2"}, {"peerpulse-hedge", "10ms"}});
  w.run(milliseconds(50));
  CHECK_FALSE(request.done());
  CHECK(w.asked(2) == 0);
  w.remote(0).last().stream->sendData(Slice::copyOf("end"));
  w.remote(0).last().stream->sendEnd({});
  CHECK(w.answerTo(request)["achieved"] == 2);
}

TEST_CASE("hedged read: a quick refusal of the second request does not take the first one's answer") {
  SlowWorld w;
  size_t asked = 0;
  ServedRequest* first = nullptr;
  w.remote(0).onRequest = [&](ServedRequest& served) {
    served.head.path = "/script/none";
    if (asked++ == 0) {
      first = &served;
    } else {
      served.answer(503, "");
    }
  };
  ClientRequest& request = w.ask("GET", "/aggregate/x", "", {{"peerpulse-hedge", "10ms"}});
  w.run(milliseconds(30));
  REQUIRE(asked == 2);
  CHECK_FALSE(request.done());
  first->answer(200, "late");
  const json answer = w.answerTo(request);
  CHECK(answer["partial"] == false);
  CHECK(answer["peers"][0]["hedge"] == "failed");
}

TEST_CASE("hedged read: an automatic timeout follows whole answers, not their heads") {
  SlowWorld w([](Options& o) { o.peerTimeoutAuto = true; });
  w.teach();
  w.remote(0).onRequest = [&w](ServedRequest& served) {
    served.head.path = "/script/none";
    served.begin(200, 3);
    w.later(milliseconds(400), [&served] {
      if (served.stream == nullptr) return;
      served.stream->sendData(Slice::copyOf("end"));
      served.stream->sendEnd({});
    });
  };
  size_t reads = 0;
  while (w.get("/aggregate/x", {})["answered"] != 3)
    REQUIRE(++reads < 12);
  CHECK(reads > 0);
}

TEST_CASE("hedged read: for one that is late the next peer is asked") {
  SlowWorld w;
  w.delays[0] = hangs;
  ClientRequest& request = w.ask("GET", "/quorum/x", "", {{"peerpulse-quorum", "2"}, {"peerpulse-hedge", "20ms"}});
  w.until([&] { return request.done(); }, milliseconds(25));
  const json answer = json::parse(request.body);
  CHECK(answer["achieved"] == 2);
  CHECK(answer["peers"][0]["state"] == "cancelled");
  CHECK(answer["peers"][2]["hedge"] == "won");
  CHECK(w.asked(0) == 1);
  CHECK(w.hedges(kQuorum, kWon) == 1);
  w.checkNobodyBlamed();
}

TEST_CASE("hedged read: for one that fails the next peer is asked at once, and needs no budget") {
  SlowWorld w;
  w.remote(0).onRequest = [](ServedRequest& served) { served.answer(500, "no"); };
  for (size_t i = 0; i < 30; ++i) {
    const json answer =
        w.get("/quorum/x",
              {{"peerpulse-quorum", "2"}, {"peerpulse-hedge", "1s"}, {"peerpulse-peers", "node2,node3,node4"}});
    CHECK(answer["achieved"] == 2);
    CHECK(answer["peers"][2]["took_ms"] < 5);
  }
  CHECK(w.overBudget(kQuorum) == 0);
}

TEST_CASE("hedged read: the dead are not asked, and when too few are left it is told at once") {
  SlowWorld w;
  w.die(0);
  CHECK(w.get("/quorum/x", {{"peerpulse-quorum", "2"}, {"peerpulse-hedge", "1s"}})["achieved"] == 2);
  CHECK(w.asked(0) == 0);
  w.die(1);
  ClientRequest& request = w.ask("GET", "/quorum/x", "", {{"peerpulse-quorum", "2"}, {"peerpulse-hedge", "1s"}});
  w.until([&] { return request.done(); }, milliseconds(5));
  CHECK(request.head.status == 503);
}

TEST_CASE("hedged read: nothing is begun after the caller's deadline, nor goes on") {
  SlowWorld w;
  for (auto& delay : w.delays)
    delay = hangs;
  ClientRequest& request =
      w.ask("GET", "/quorum/x", "",
            {{"peerpulse-quorum", "1"}, {"peerpulse-hedge", "20ms"}, {"peerpulse-timeout", "50ms"}});
  w.until([&] { return request.done(); }, milliseconds(51));
  CHECK(request.head.status == 503);
  w.settle();
  for (size_t i = 0; i < FanoutWorld::kPeers; ++i)
    CHECK(w.remote(i).last().gone);
}

TEST_CASE("hedged read: a caller that goes takes all of it along") {
  SlowWorld w;
  w.delays[0] = hangs;
  ClientRequest& request = w.ask("GET", "/aggregate/x", "", {{"peerpulse-hedge", "20ms"}});
  w.run(milliseconds(30));
  REQUIRE(w.asked(0) == 2);
  request.stream->reset(http::ResetReason::kCancel);
  w.settle();
  CHECK(w.remote(0).requests.front()->gone);
  CHECK(w.remote(0).requests.back()->gone);
  CHECK(w.stats.fanout.running.get() == 0);
}

// --- timeouts that follow --------------------------------------------------------------------------------------

TEST_CASE("hedged read: an automatic peer timeout is the default until something is known, then the peer's own") {
  SlowWorld w([](Options& o) { o.peerTimeoutAuto = true; });
  const auto untilAnswered = [&] {
    const TimePoint before = w.time.now();
    CHECK(w.get("/aggregate/x", {})["peers"][0]["state"] == "timeout");
    return w.time.now() - before;
  };
  w.delays[0] = hangs;
  CHECK(untilAnswered() >= seconds(2));
  w.delays[0] = nullptr;
  w.teach(300);  // the timeout is one of them
  w.time.runFor(std::chrono::minutes(1));
  w.teach(300);
  w.delays[0] = hangs;
  const Duration took = untilAnswered();
  CHECK(took >= milliseconds(250));
  CHECK(took < milliseconds(260));
}
