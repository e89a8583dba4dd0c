// Goal: a pool opens no more connections than are needed, reuses them, and forgets none of those who wait.
// Method: a pool over a peer in memory; after every step of the world its invariants hold.
#include <cerrno>

#include "pool_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;

namespace {
constexpr auto kH1 = Protocol::kHttp1;
constexpr auto kH2 = Protocol::kHttp2;
}  // namespace

// --- serving ---------------------------------------------------------------------------------------------------

TEST_CASE("pool: h1 takes a connection per request, and reuses them") {
  PoolWorld w;
  const auto first = w.add(kH1, 8);
  CHECK(w.connecting() == 8);
  w.until([&] { return allOver(first) && w.idle() == 8; });
  CHECK(w.active() == 0);
  CHECK(w.connecting() == 0);
  CHECK(w.remote.connections.size() == 8);
  Wanter& again = w.add(kH1);
  CHECK(again.ready);  // at once, from inside acquire()
  w.until([&] { return again.done; });
  CHECK(again.status == 200);
  CHECK(w.remote.connections.size() == 8);
}

TEST_CASE("pool: forty requests in a row need one connection, and a burst of forty closes none of its own") {
  PoolWorld w([](PoolOptions& o) { o.maxIdlePerPeer = 3; });
  for (int i = 0; i < 40; ++i) {
    Wanter& one = w.add(kH1);
    w.until([&] { return one.done; });
  }
  CHECK(w.remote.connections.size() == 1);
  for (int burst = 0; burst < 5; ++burst) {
    const auto many = w.add(kH1, 40);
    w.until([&] { return allOver(many); });
    w.run(seconds(1));
    w.pool->sweep(w.time.now(), TimePoint::max());
  }
  CHECK(w.remote.connections.size() == 40);
  CHECK(w.idle() == 40);
}

TEST_CASE("pool: beyond max_idle is closed what nobody needed for some seconds, the longest unused first") {
  PoolWorld w([](PoolOptions& o) { o.maxIdlePerPeer = 3; });
  const auto burst = w.add(kH1, 8);
  w.until([&] { return allOver(burst) && w.idle() == 8; });
  w.run(Pool::kUnneeded - seconds(1));
  const auto needed = w.add(kH1, 2);
  w.until([&] { return allOver(needed) && w.idle() == 8; });
  w.run(seconds(1));
  CHECK(w.pool->sweep(w.time.now(), TimePoint::max()));
  CHECK(w.idle() == 5);  // two needed lately, three of those that were not
  w.run(Pool::kUnneeded);
  w.pool->sweep(w.time.now(), TimePoint::max());
  CHECK(w.idle() == 3);
  Wanter& next = w.add(kH1);
  CHECK((next.used == needed.front()->used || next.used == needed.back()->used));
  w.settle();
  CHECK(w.remote.openConnections() == 3);
}

TEST_CASE("pool: h2 shares one connection up to its streams") {
  PoolWorld w([](PoolOptions& o) { o.maxStreamsPerConnection = 4; });
  w.add(kH2, 8, "/hang");
  CHECK(w.connecting() == 2);
  w.until([&] { return w.remote.requests.size() == 8; });
  CHECK(w.remote.connections.size() == 2);
  CHECK(w.active() == 2);
}

TEST_CASE("pool: h2 takes no more streams than the peer allows") {
  PoolWorld w;
  w.remote.limits.maxConcurrentStreams = 3;
  Wanter& first = w.add(kH2);
  w.until([&] { return first.done; });  // the peer's SETTINGS are known
  const auto allowed = w.add(kH2, 3, "/hang");
  CHECK(howMany(allowed, &Wanter::ready) == 3);
  Wanter& fourth = w.add(kH2);
  CHECK_FALSE(fourth.ready);
  w.until([&] { return fourth.done; });
  CHECK(fourth.used != first.used);
  CHECK(howMany(allowed, &Wanter::wasReset) == 0);
}

TEST_CASE("pool: a stream that ends makes its busy connection ready for who waits") {
  PoolWorld w([](PoolOptions& o) {
    o.maxConnections = 1;
    o.maxStreamsPerConnection = 2;
  });
  const auto hanging = w.add(kH2, 2, "/hang");
  Wanter& third = w.add(kH2);
  w.until([&] { return w.remote.requests.size() == 2; });
  CHECK_FALSE(third.ready);
  w.remote.requests.front()->answer(200, "");
  w.until([&] { return third.done; });
  CHECK(third.used == hanging.front()->used);
  CHECK(w.remote.connections.size() == 1);
}

TEST_CASE("pool: beyond max_connections requests wait and are served in turn") {
  PoolWorld w([](PoolOptions& o) { o.maxConnections = 2; });
  const auto all = w.add(kH1, 20);
  std::vector<size_t> order;
  w.until([&] {
    for (size_t i = order.size(); i < all.size() && all[i]->ready; ++i)
      order.push_back(i);
    CHECK(howMany(all, &Wanter::ready) == order.size());  // nobody before those who came earlier
    return allOver(all);
  });
  CHECK(howMany(all, &Wanter::done) == 20);
  CHECK(w.remote.connections.size() == 2);
}

TEST_CASE("pool: who comes when others wait goes behind them, even if a connection becomes free just now") {
  PoolWorld w([](PoolOptions& o) { o.maxConnections = 1; });
  Wanter& first = w.add(kH1);
  Wanter& second = w.add(kH1);
  Wanter& third = w.add(kH1);
  w.until([&] { return second.ready; });
  CHECK(first.done);
  CHECK_FALSE(third.ready);
  w.until([&] { return third.done; });
}

TEST_CASE("pool: beyond max_pending a request fails at once") {
  PoolWorld w([](PoolOptions& o) { o.maxPending = 2; });
  w.add(kH1, 2);
  Wanter& third = w.add(kH1);
  CHECK(third.failed);
  CHECK(third.failure == PoolFailure::kOverflow);
  CHECK(w.pool->waiting() == 2);
}

TEST_CASE("pool: a request that leaves is not served") {
  PoolWorld w;
  Wanter& gone = w.add(kH1);
  Wanter& stays = w.add(kH1);
  gone.unlink();
  w.until([&] { return stays.done; });
  CHECK_FALSE(gone.ready);
  CHECK_FALSE(gone.failed);
  CHECK(w.pool->waiting() == 0);
}

TEST_CASE("pool: it lets go of everything when it is destroyed") {
  PoolWorld w;
  Wanter& active = w.add(kH2, "/hang");
  w.until([&] { return w.remote.requests.size() == 1; });
  w.add(kH1);
  w.invariant = nullptr;
  w.wanters.back()->unlink();
  w.pool.reset();
  CHECK(active.wasReset);
  CHECK(w.active() + w.idle() + w.connecting() == 0);
  CHECK(w.limit.connecting == 0);
  w.settle();
  CHECK(w.network.openEnds(w.here) == 0);
  CHECK(w.remote.connections.front()->endError == ECONNRESET);
}

// --- two protocols ---------------------------------------------------------------------------------------------

TEST_CASE("pool: h1 and h2 wait side by side under one max_connections") {
  PoolWorld w([](PoolOptions& o) { o.maxConnections = 2; });
  Wanter& h1 = w.add(kH1, "/hang");
  Wanter& h2 = w.add(kH2, "/hang");
  Wanter& h1Waits = w.add(kH1);
  Wanter& h2Shares = w.add(kH2);
  w.until([&] { return w.remote.requests.size() >= 2 && h2Shares.done; });
  CHECK(h1.ready);
  CHECK(h2.ready);
  CHECK_FALSE(h1Waits.ready);
  CHECK(w.pool->opensNone(kH1));
  CHECK(w.remote.connections.size() == 2);
  for (const auto& request : w.remote.requests) {
    if (request->stream != nullptr && request->head.version == http::Version::kHttp11) request->answer(200, "");
  }
  w.until([&] { return h1Waits.done; });
  CHECK(w.remote.connections.size() == 2);
}

TEST_CASE("pool: an idle connection of the other protocol makes room for who waits") {
  for (const Protocol idle : {kH1, kH2}) {
    CAPTURE(toString(idle));
    const Protocol wanted = idle == kH1 ? kH2 : kH1;
    PoolWorld w([](PoolOptions& o) { o.maxConnections = 1; });
    Wanter& first = w.add(idle);
    w.until([&] { return first.done && w.idle() == 1; });
    Wanter& second = w.add(wanted);
    w.until([&] { return second.done; });
    w.settle();
    CHECK(w.pool->connections() == 1);
    CHECK(w.remote.openConnections() == 1);
  }
}

TEST_CASE("pool: so does an h2 connection when its last stream ends, though it had room for others all the time") {
  PoolWorld w([](PoolOptions& o) { o.maxConnections = 1; });
  Wanter& first = w.add(kH2, "/hang");
  w.until([&] { return w.remote.requests.size() == 1; });
  Wanter& second = w.add(kH1);
  w.settle();
  CHECK_FALSE(second.over());
  w.remote.last().answer(200, "");
  w.until([&] { return second.done; });
  CHECK(first.done);
  CHECK(w.pool->connections() == 1);
}

TEST_CASE("pool: room is made only if a connection may then be opened") {
  PoolWorld w([](PoolOptions& o) { o.maxConnections = 1; });
  Wanter& first = w.add(kH2);
  w.until([&] { return first.done && w.idle() == 1; });
  w.change(health::Verdict::kStalled);
  Wanter& second = w.add(kH1);
  CHECK(w.idle() == 1);
  CHECK_FALSE(second.over());
  w.change(health::Verdict::kAlive);
  w.until([&] { return second.done; });
}

// --- connects that fail ----------------------------------------------------------------------------------------

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

// --- how many at once ------------------------------------------------------------------------------------------

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
    Pool bulk(w.context, w.options, TrafficClass::kBulk, w.limit);
    w.limit.most = 4;
    w.limit.onRoom = [&] {
      w.pool->settle();
      bulk.settle();
    };
    w.invariant = [&] { return w.pool->settled() && bulk.settled(); };
    w.add(kH1, 4, "/hang");
    std::list<Wanter> wanters;
    for (int i = 0; i < 3; ++i)
      bulk.acquire(wanters.emplace_back("/hang"), kH1);
    CHECK(w.limit.connecting == 5);  // one is always allowed
    if (refused) w.remote.listener.refuse();
    w.until([&] {
      return std::all_of(wanters.begin(), wanters.end(), [](const Wanter& x) { return x.ready || x.failed; });
    });
    w.invariant = nullptr;
  }
}

// --- the verdict -----------------------------------------------------------------------------------------------

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
      CHECK(w.pool->opensNone(protocol));
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

// --- connections that end --------------------------------------------------------------------------------------

TEST_CASE("pool: a condemned connection is used no more and reset later, and the pool works on") {
  PoolWorld w([](PoolOptions& o) { o.maxConnections = 1; });
  Wanter& active = w.add(kH1, "/hang");
  w.until([&] { return w.remote.requests.size() == 1; });
  w.pool->condemn();
  CHECK(w.pool->connections() == 0);
  CHECK_FALSE(active.wasReset);
  Wanter& later = w.add(kH1);  // the condemned one does not count against the limit
  w.until([&] { return later.done; });
  CHECK(later.used != active.used);
  CHECK_FALSE(w.pool->abortCondemned(w.time.now()));  // no time: nothing done
  CHECK_FALSE(active.wasReset);
  CHECK(w.pool->abortCondemned(TimePoint::max()));
  CHECK(active.wasReset);
  CHECK(w.active() == 0);
}

TEST_CASE("pool: nothing that a condemned connection still hears reaches anybody") {
  for (const Protocol protocol : {kH1, kH2}) {
    CAPTURE(toString(protocol));
    PoolWorld w;
    Wanter& active = w.add(protocol, "/hang");
    w.until([&] { return w.remote.requests.size() == 1; });
    const TimePoint heard = w.table.lastHeard(kPeer);
    w.pool->condemn();
    w.remote.last().answer(200, "too late");
    w.settle();
    CHECK(active.status == 0);
    CHECK(w.table.lastHeard(kPeer) > heard);  // but it is a sign of life
    w.remote.connections.front()->abort();
    w.settle();
    CHECK(active.wasReset);
    CHECK(w.pool->abortCondemned(TimePoint::max()));
  }
}

TEST_CASE("pool: condemning a connection that is still connecting leaves those who wait to their own end") {
  PoolWorld w;
  Wanter& waiting = w.add(kH2);
  w.pool->condemn();
  CHECK(w.pool->abortCondemned(TimePoint::max()));
  CHECK_FALSE(waiting.over());
  CHECK(w.limit.connecting == 1);  // another one
  w.until([&] { return waiting.done; });
}

TEST_CASE("pool: idle connections are evicted when unused too long, not before") {
  for (const Protocol protocol : {kH1, kH2}) {
    CAPTURE(toString(protocol));
    PoolWorld w;
    Wanter& request = w.add(protocol);
    w.until([&] { return request.done && w.idle() == 1; });
    const Duration timeout = w.context.options->pool.idleTimeout;
    w.pool->sweep(w.time.now() + timeout / 2, TimePoint::max());
    CHECK(w.idle() == 1);
    w.pool->sweep(w.time.now() + timeout * 2, TimePoint::max());
    CHECK(w.idle() == 0);
    CHECK(w.peerStats().evictionsTotal.get() == 1);
    w.settle();
    CHECK(w.remote.openConnections() == 0);
    CHECK(w.remote.connections.front()->endError == 0);  // in order
  }
}

TEST_CASE("pool: a connection with a request on it is not idle, however long it takes") {
  PoolWorld w;
  Wanter& request = w.add(kH2, "/hang");
  w.until([&] { return w.remote.requests.size() == 1; });
  w.pool->sweep(w.time.now() + seconds(1000), TimePoint::max());
  w.pool->closeIdle(TimePoint::max());
  CHECK_FALSE(request.wasReset);
  CHECK(w.active() == 1);
}

TEST_CASE("pool: a peer that gave no sign of life for ten seconds loses its idle connections") {
  PoolWorld w;
  Wanter& request = w.add(kH1);
  w.until([&] { return request.done && w.idle() == 1; });
  w.change(health::Verdict::kSuspect);
  w.pool->sweep(w.time.now() + seconds(9), TimePoint::max());
  CHECK(w.idle() == 1);
  w.pool->sweep(w.time.now() + seconds(11), TimePoint::max());
  CHECK(w.idle() == 0);
}

TEST_CASE("pool: idle connections are closed in slices, one at least in each") {
  PoolWorld w;
  const auto h1 = w.add(kH1, 6);
  Wanter& h2 = w.add(kH2);
  w.until([&] { return allOver(h1) && h2.done && w.idle() == 7; });
  const TimePoint now = w.time.now();
  int slices = 0;
  SUBCASE("all of them") {
    while (!w.pool->closeIdle(now))
      ++slices;
  }
  SUBCASE("those unused too long") {
    while (!w.pool->sweep(now + seconds(60), now))
      ++slices;
  }
  CHECK(slices == 7);
  CHECK(w.idle() == 0);
}

TEST_CASE("pool: an idle connection that the peer closed is not used again") {
  PoolWorld w;
  Wanter& request = w.add(kH1);
  w.until([&] { return request.done && w.idle() == 1; });
  w.run(milliseconds(2));
  w.loop.block(w.time.now() + milliseconds(5));
  w.remote.connections.front()->close();
  w.run(milliseconds(1));  // the FIN is there, but nobody has read it yet
  Wanter& next = w.add(kH1);
  CHECK_FALSE(next.ready);
  w.loop.unblock();
  w.until([&] { return next.done; });
  CHECK(w.remote.connections.size() == 2);
  CHECK(w.peerStats().evictionsTotal.get() == 1);
}

TEST_CASE("pool: one that was used a moment ago is not asked again: the loop tells") {
  PoolWorld w;
  Wanter& request = w.add(kH1);
  w.until([&] { return request.done && w.idle() == 1; });
  w.loop.block(w.time.now() + milliseconds(5));
  w.remote.connections.front()->close();
  w.run(microseconds(300));
  Wanter& next = w.add(kH1);
  CHECK(next.ready);
  w.loop.unblock();
  w.until([&] { return next.over(); });
  CHECK(next.wasReset);  // which a retry makes good
}

TEST_CASE("pool: bytes that answer nothing end an idle h1 connection") {
  PoolWorld w;
  Wanter& request = w.add(kH1);
  w.until([&] { return request.done && w.idle() == 1; });
  w.remote.connections.front()->abort();
  w.settle();
  CHECK(w.pool->connections() == 0);
  Wanter& next = w.add(kH1);
  w.until([&] { return next.done; });
}

TEST_CASE("pool: after GOAWAY a connection takes no more streams, and is closed when the last one ended") {
  PoolWorld w;
  Wanter& hanging = w.add(kH2, "/hang");
  w.until([&] { return w.remote.requests.size() == 1; });
  w.remote.connections.front()->goAway();
  w.settle();
  CHECK_FALSE(hanging.over());
  Wanter& next = w.add(kH2);
  CHECK_FALSE(next.ready);
  w.until([&] { return next.done; });
  CHECK(next.used != hanging.used);
  CHECK(w.remote.connections.size() == 2);
  CHECK(w.pool->connections() == 2);
  w.remote.requests.front()->answer(200, "");
  w.until([&] { return hanging.done; });
  w.settle();
  CHECK(w.pool->connections() == 1);
  CHECK(w.remote.openConnections() == 1);
}

TEST_CASE("pool: after GOAWAY an idle connection is closed at once") {
  PoolWorld w;
  Wanter& first = w.add(kH2);
  w.until([&] { return first.done; });
  w.remote.connections.front()->goAway();
  w.settle();
  CHECK(w.pool->connections() == 0);
  CHECK(w.remote.openConnections() == 0);
}

TEST_CASE("pool: a connection with three failures in a row takes no more requests") {
  PoolWorld w;
  Wanter& hanging = w.add(kH2, "/hang");
  w.until([&] { return w.remote.requests.size() == 1; });
  hanging.used->recordResult(false);
  hanging.used->recordResult(false);
  hanging.used->recordResult(true);
  hanging.used->recordResult(false);
  hanging.used->recordResult(false);
  Wanter& still = w.add(kH2);
  CHECK(still.used == hanging.used);
  hanging.used->recordResult(false);
  Wanter& next = w.add(kH2);
  CHECK(next.used != hanging.used);
  w.until([&] { return next.done && still.done; });
  CHECK(w.remote.connections.size() == 2);
  CHECK(w.peerStats().evictionsTotal.get() == 1);
  CHECK_FALSE(hanging.over());
}

TEST_CASE("pool: a connection that breaks tells its streams, and is one failure") {
  PoolWorld w;
  const auto hanging = w.add(kH2, 3, "/hang");
  w.until([&] { return w.remote.requests.size() == 3; });
  PooledConnection& broken = *hanging.front()->used;
  w.remote.connections.front()->abort();
  w.until([&] { return allOver(hanging); });
  CHECK(howMany(hanging, &Wanter::wasReset) == 3);
  CHECK(w.pool->connections() == 0);
  (void)broken;
}

// --- the peer's address ----------------------------------------------------------------------------------------

TEST_CASE("pool: a changed address is where new connections go") {
  PoolWorld w;
  MemoryPeer other(w.network, w.there, w.remoteLoop, w.remoteIo, *SocketAddress::parse("10.0.0.2:9001"));
  Wanter& first = w.add(kH1);
  w.until([&] { return first.done && w.idle() == 1; });
  PeerOptions moved = *w.options;
  moved.address = other.listener.address();
  w.options = std::make_shared<const PeerOptions>(moved);
  const auto two = w.add(kH1, 2);
  w.until([&] { return allOver(two); });
  CHECK(w.remote.connections.size() == 1);
  CHECK(other.connections.size() == 1);
  other.connections.clear();
}

TEST_CASE("pool: renewed, it uses no connection that it had, and those end with their streams") {
  for (const Protocol protocol : {kH1, kH2}) {
    CAPTURE(toString(protocol));
    PoolWorld w;
    const bool h1 = protocol == kH1;
    const auto used = w.add(protocol, 2, "/hang");
    w.until([&] { return w.remote.requests.size() == 2; });
    w.remote.requests.front()->answer(200, "");
    w.until([&] { return used.front()->done; });
    if (h1) CHECK(w.idle() == 1);
    w.cutPath(true);
    Wanter& waiting = w.add(h1 ? kH2 : kH1);  // for a connection that is being opened
    w.run(milliseconds(1));
    w.pool->renew();
    CHECK(w.pool->settled());
    w.cutPath(false);
    w.until([&] { return waiting.done; });
    Wanter& fresh = w.add(protocol);
    CHECK_FALSE(fresh.ready);
    w.until([&] { return fresh.done; });
    CHECK_FALSE(used.back()->over());
    for (const auto& request : w.remote.requests) {
      if (request->stream != nullptr) request->answer(200, "");
    }
    w.until([&] { return used.back()->done; });
    CHECK(w.pool->abortCondemned(TimePoint::max()));
    w.settle();
    CHECK(w.pool->connections() == 2);
    CHECK(w.network.openEnds(w.here) == 2);
  }
}
