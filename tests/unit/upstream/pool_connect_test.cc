// Goal: a connect that fails takes with it whom it would have served and nobody else; not too many are made at once, and what
// the verdict forbids is not tried.
// Method: as pool_test.
#include <cerrno>

#include "pool_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;

namespace {
constexpr auto kH1 = Protocol::kHttp1;
constexpr auto kH2 = Protocol::kHttp2;
}  // namespace

// --- connects that fail -----------------------------------------------------------------------------------------

TEST_CASE("pool: a refused connect fails those who wait, with its errno") {
  PoolWorld w;
  w.remote.listener.refuse();
  const auto all = w.add(kH2, 2);
  w.until([&] { return allOver(all); });
  for (const Wanter* wanter : all) {
    CHECK(wanter->failure == PoolFailure::kConnectFailed);
    CHECK(wanter->error == ECONNREFUSED);
  }
  CHECK(w.peerStats().connectFailuresTotal.get() == 1);
}

TEST_CASE("pool: a connect that cannot even begin fails like any other, and never from inside acquire()") {
  PoolWorld w;
  w.network.failConnects(w.here, EMFILE);
  Wanter& one = w.add(kH1);
  CHECK_FALSE(one.failed);
  w.until([&] { return one.failed; });
  CHECK(one.error == EMFILE);
  CHECK(w.limit.connecting == 0);
  CHECK(w.peerStats().connectFailuresTotal.get() == 0);
  CHECK(w.peerStats().connectsNotMadeTotal.get() == 1);
}

TEST_CASE("pool: one failed connection fails no more requests than it would have served") {
  PoolWorld w;
  w.limit.most = 1;
  w.remote.listener.refuse();
  const auto all = w.add(kH1, 5);
  size_t failed = 0;
  w.until([&] {
    const size_t now = howMany(all, &Wanter::failed);
    CHECK(now <= failed + 1);
    failed = now;
    return allOver(all);
  });
  CHECK(w.peerStats().connectFailuresTotal.get() == 5);
}

TEST_CASE("pool: a failed connect beside a busy connection fails the one it would have served, at once") {
  for (const Protocol protocol : {kH1, kH2}) {
    CAPTURE(toString(protocol));
    PoolWorld w([](PoolOptions& o) { o.maxStreamsPerConnection = 1; });
    Wanter& busy = w.add(protocol, "/hang");
    w.until([&] { return w.remote.requests.size() == 1; });
    w.remote.listener.refuse();
    const TimePoint before = w.time.now();
    Wanter& second = w.add(protocol);
    w.until([&] { return second.failed; });
    CHECK(w.time.now() - before < milliseconds(5));
    CHECK(second.error == ECONNREFUSED);
    CHECK_FALSE(busy.over());
    w.remote.last().answer(200, "");
    w.until([&] { return busy.done; });
  }
}

TEST_CASE("pool: who can be served by a connection that is still being opened survives another one's failure") {
  PoolWorld w([](PoolOptions& o) { o.maxStreamsPerConnection = 1; });
  Wanter& first = w.add(kH2);
  w.network.failConnects(w.here, ENETUNREACH);
  Wanter& second = w.add(kH2);
  w.until([&] { return first.over() && second.over(); });
  CHECK(howMany({&first, &second}, &Wanter::failed) == 1);
  CHECK(howMany({&first, &second}, &Wanter::done) == 1);
}

TEST_CASE("pool: a failed connect for which nobody waits any more fails nobody") {
  PoolWorld w([](PoolOptions& o) { o.maxStreamsPerConnection = 1; });
  const auto leave = w.add(kH2, 2);
  w.network.failConnects(w.here, ENETUNREACH);
  Wanter& stays = w.add(kH2);
  for (Wanter* wanter : leave)  // the two connections that are well on their way are for the one who stays
    wanter->unlink();
  w.until([&] { return stays.over(); });
  CHECK(stays.done);
  CHECK(w.peerStats().connectsNotMadeTotal.get() == 1);
}

TEST_CASE("pool: a connect that gets no answer fails who would have been served when it times out") {
  PoolWorld w;
  w.cutPath(true);
  const TimePoint before = w.time.now();
  Wanter& one = w.add(kH1);
  w.until([&] { return one.failed; });
  CHECK(w.time.now() - before == seconds(2));  // of the class
  CHECK(one.failure == PoolFailure::kConnectTimeout);
  CHECK(one.error == ETIMEDOUT);
  CHECK(w.pool->connections() == 0);
  w.cutPath(false);
  Wanter& next = w.add(kH1);
  w.until([&] { return next.done; });
}

TEST_CASE("pool: bulk has its own connect timeout") {
  PoolWorld w({}, TrafficClass::kBulk);
  w.cutPath(true);
  const TimePoint before = w.time.now();
  Wanter& one = w.add(kH1);
  w.until([&] { return one.failed; });
  CHECK(w.time.now() - before == seconds(3));
}

// --- connects that are late -------------------------------------------------------------------------------------

namespace {

/// Wants a connection whose SYN gets lost; the kernel repeats it after a second.
Wanter& loseSyn(PoolWorld& w, Protocol protocol, const std::string& path = "/ok") {
  w.network.setPath(w.here, w.there, {World::kDelay, {}, 1'000'000, milliseconds(5)});
  Wanter& wanter = w.add(protocol, path);
  w.network.setPath(w.here, w.there, {World::kDelay, {}, 0, milliseconds(5)});
  return wanter;
}

}  // namespace

TEST_CASE(
    "pool: a SYN that got lost is not waited for: another connection is opened beside it, and the sooner one "
    "serves") {
  for (const Protocol protocol : {kH1, kH2}) {
    CAPTURE(toString(protocol));
    PoolWorld w;
    const TimePoint before = w.time.now();
    Wanter& one = loseSyn(w, protocol);
    w.until([&] { return one.done; });
    CHECK(w.time.now() - before < milliseconds(150));
    CHECK(w.peerStats().lateConnectsTotal.get() == 1);
    w.run(seconds(3));
    CHECK(w.pool->connections() == 1);  // the other one was given up, which was nobody's failure
    CHECK(w.peerStats().connectFailuresTotal.get() == 0);
    CHECK(w.limit.connecting == 0);
  }
}

TEST_CASE("pool: lost SYNs of a burst: each has its second try, and nobody waits for the first") {
  PoolWorld w;
  w.network.setPath(w.here, w.there, {World::kDelay, {}, 1'000'000, milliseconds(5)});
  const auto all = w.add(kH1, 20);
  w.network.setPath(w.here, w.there, {World::kDelay, {}, 0, milliseconds(5)});
  w.until([&] { return allOver(all); }, milliseconds(150));
  CHECK(howMany(all, &Wanter::done) == 20);
  w.run(seconds(3));
  CHECK(w.pool->connections() == 20);
}

TEST_CASE("pool: a peer that answers no SYN gets one second try for each, and both end in the time of one") {
  PoolWorld w;
  w.cutPath(true);
  const TimePoint before = w.time.now();
  const auto all = w.add(kH1, 10);
  w.until([&] {
    CHECK(w.connecting() <= 20);
    return allOver(all);
  });
  CHECK(w.time.now() - before == seconds(2));
  CHECK(w.pool->connections() == 0);
}

TEST_CASE("pool: a second try does not need room under max_connections, nor in the limit on connects") {
  PoolWorld w([](PoolOptions& o) { o.maxConnections = 1; });
  w.limit.most = 1;
  Wanter& one = loseSyn(w, kH1);
  w.until([&] { return one.done; }, milliseconds(150));
  w.run(seconds(2));
  CHECK(w.pool->connections() == 1);
}

TEST_CASE("pool: a far peer has several round trips to answer before it is late") {
  PoolWorld w;
  w.network.setPaths(w.here, w.there, {milliseconds(45), {}, 0, milliseconds(100)});
  Wanter& first = w.add(kH1, "/hang");
  w.until([&] { return first.ready; });
  CHECK(w.peerStats().lateConnectsTotal.get() == 0);
  w.network.setPaths(w.here, w.there, {milliseconds(150), {}, 0, milliseconds(100)});
  Wanter& second = w.add(kH1, "/hang");
  w.until([&] { return second.ready; });
  CHECK(w.peerStats().lateConnectsTotal.get() == 0);  // 4 round trips of 90 ms
}

TEST_CASE("pool: a late connection that is answered all the same serves, too") {
  PoolWorld w;
  w.network.setPaths(w.here, w.there, {milliseconds(60), {}, 0, milliseconds(100)});
  const TimePoint before = w.time.now();
  Wanter& one = w.add(kH1, "/hang");
  w.until([&] { return one.ready; });
  CHECK(w.time.now() - before == milliseconds(120));
  CHECK(w.peerStats().lateConnectsTotal.get() == 1);
  w.run(seconds(1));
  CHECK(w.idle() == 1);  // the second try
  Wanter& two = w.add(kH1);
  CHECK(two.ready);
}

TEST_CASE("pool: a refusal of the second try is an answer, whatever became of the first") {
  PoolWorld w;
  const TimePoint before = w.time.now();
  Wanter& one = loseSyn(w, kH1);
  w.remote.listener.refuse();
  w.until([&] { return one.failed; });
  CHECK(one.error == ECONNREFUSED);
  CHECK(w.time.now() - before < milliseconds(150));
}

// --- how many at once -------------------------------------------------------------------------------------------

TEST_CASE("pool: no more connections are opened at a time than the limit, but one always") {
  PoolWorld w;
  w.limit.most = 3;
  w.add(kH1, 20, "/hang");
  CHECK(w.limit.connecting == 3);
  w.limit.most = 0;
  w.until([&] {
    CHECK(w.limit.connecting <= 3);
    return w.remote.requests.size() == 20;
  });
  CHECK(w.limit.connecting == 0);
  w.limit.connecting = 100;  // of the peer's other pools
  w.invariant = nullptr;     // these are in no gauge
  Wanter& one = w.add(kH1);
  w.until([&] { return one.done; });
  CHECK(w.limit.connecting == 100);
  w.limit.connecting = 0;
}

TEST_CASE("pool: a limit that is raised lets the next connections be opened at once") {
  PoolWorld w;
  w.limit.most = 2;
  w.add(kH1, 10, "/hang");
  CHECK(w.connecting() == 2);
  w.limit.most = ConnectLimit::kUsual;
  CHECK_FALSE(w.pool->settled());
  w.pool->settle();
  CHECK(w.connecting() == 10);
}

TEST_CASE("pool: what one pool has opened makes room for another one that waits for the limit") {
  for (const bool refused : {false, true}) {
    CAPTURE(refused);
    PoolWorld w;
    std::list<Wanter> wanters;
    Pool bulk(w.context, w.reach, TrafficClass::kBulk, w.limit);
    w.limit.most = 4;
    w.limit.onRoom = [&] {
      w.pool->settle();
      bulk.settle();
    };
    w.invariant = [&] { return w.pool->settled() && bulk.settled(); };
    w.add(kH1, 4, "/hang");
    if (refused) w.remote.listener.refuse();
    w.run(World::kDelay / 2);  // these will be over before the bulk pool's own
    for (int i = 0; i < 3; ++i)
      bulk.acquire(wanters.emplace_back("/hang"), kH1);
    CHECK(w.limit.connecting == 5);  // one is always allowed
    w.until([&] {
      return std::all_of(wanters.begin(), wanters.end(), [](const Wanter& x) { return x.ready || x.failed; });
    });
    w.invariant = nullptr;
  }
}

// --- the verdict ------------------------------------------------------------------------------------------------

TEST_CASE("pool: suspect, no reuse: a fresh connection serves, and tells") {
  for (const Protocol protocol : {kH1, kH2}) {
    CAPTURE(toString(protocol));
    PoolWorld w;
    Wanter& first = w.add(protocol);
    w.until([&] { return first.done && w.idle() == 1; });
    w.change(health::Verdict::kSuspect);
    Wanter& second = w.add(protocol);
    CHECK_FALSE(second.ready);
    w.until([&] { return second.done; });
    CHECK(second.used != first.used);
    w.change(health::Verdict::kAlive);
    w.settle();
    Wanter& third = w.add(protocol);
    CHECK(third.ready);
    w.until([&] { return third.done; });
    CHECK(w.remote.connections.size() == 2);
  }
}

TEST_CASE("pool: when the suspicion is cleared, who waited is served by the old connections") {
  PoolWorld w;
  Wanter& first = w.add(kH1);
  w.until([&] { return first.done && w.idle() == 1; });
  w.change(health::Verdict::kSuspect);
  w.cutPath(true);  // the fresh connection gets no answer
  Wanter& second = w.add(kH1);
  w.run(milliseconds(20));
  CHECK_FALSE(second.ready);
  w.change(health::Verdict::kAlive);
  CHECK(second.ready);
  CHECK(second.used == first.used);
}

TEST_CASE("pool: stalled, reuse but no new connections") {
  for (const Protocol protocol : {kH1, kH2}) {
    for (const bool clears : {false, true}) {
      CAPTURE(toString(protocol));
      CAPTURE(clears);
      PoolWorld w([](PoolOptions& o) { o.maxStreamsPerConnection = 1; });
      Wanter& first = w.add(protocol);
      w.until([&] { return first.done && w.idle() == 1; });
      w.change(health::Verdict::kStalled);
      Wanter& second = w.add(protocol, "/hang");
      CHECK(second.ready);
      Wanter& third = w.add(protocol);
      w.run(seconds(1));
      CHECK_FALSE(third.over());
      CHECK(!w.pool->openingSince(protocol));
      CHECK(w.remote.connections.size() == 1);
      if (clears) {
        w.change(health::Verdict::kAlive);
      } else {
        w.remote.last().answer(200, "");  // the connection becomes free
      }
      w.until([&] { return third.done; });
      CHECK(w.remote.connections.size() == (clears ? 2 : 1));
    }
  }
}

TEST_CASE("pool: while the circuit is open nobody waits") {
  PoolWorld w;
  w.cutPath(true);
  const auto before = w.add(kH1, 3);
  Wanter& h2 = w.add(kH2);
  w.change(health::Verdict::kDead, health::CircuitState::kOpen);
  for (const Wanter* wanter : before)
    CHECK(wanter->failure == PoolFailure::kCircuit);
  CHECK(allOver(before));
  CHECK(h2.failure == PoolFailure::kCircuit);
  Wanter& late = w.add(kH1);
  CHECK(late.failed);
  CHECK(late.failure == PoolFailure::kCircuit);
  CHECK(w.pool->waiting() == 0);
}

TEST_CASE("pool: an idle connection does not serve while the circuit is open") {
  PoolWorld w;
  Wanter& first = w.add(kH1);
  w.until([&] { return first.done && w.idle() == 1; });
  w.change(health::Verdict::kAlive, health::CircuitState::kOpen);  // by failed requests
  Wanter& second = w.add(kH1);
  CHECK(second.failed);
  w.change(health::Verdict::kAlive, health::CircuitState::kHalfOpen);
  Wanter& trial = w.add(kH1);
  CHECK(trial.ready);
}

TEST_CASE("pool: stale verdicts are ignored: the prober has stopped") {
  PoolWorld w;
  w.publish(health::Verdict::kDead, health::CircuitState::kOpen);
  w.stopProber();
  w.run(seconds(2));
  Wanter& one = w.add(kH1);
  w.until([&] { return one.done; });
  w.publish(health::Verdict::kSuspect);
  Wanter& reuses = w.add(kH1);
  CHECK(reuses.ready);
}
