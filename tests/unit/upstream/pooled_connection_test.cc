// Goal: a connection that is dead, unreliable, going away, unneeded or of yesterday's address serves nobody any more, and ends
// as it should.
// Method: as pool_test.
#include "pooled_connection.h"

#include <cerrno>

#include "pool_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;

namespace {
constexpr auto kH1 = Protocol::kHttp1;
constexpr auto kH2 = Protocol::kHttp2;
}  // namespace

// --- connections that end ---------------------------------------------------------------------------------------

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
    CHECK(w.remote.connections.front()->closeCode == 0);  // in order
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

TEST_CASE(
    "pool: a connection with more cancellations than its peer takes note of is retired, and its others end well") {
  PoolWorld w([](PoolOptions& o) { o.maxStreamsPerConnection = 100; });
  Wanter& stays = w.add(kH2, "/test");
  w.until([&] { return w.remote.requests.size() == 1; });
  const auto leave = w.add(kH2, 60, "/hang");
  w.until([&] { return w.remote.requests.size() == 61; });
  w.network.stop(w.there);  // and takes note of none
  w.remoteLoop.block(TimePoint::max());
  for (Wanter* wanter : leave) {
    wanter->used->onStreamCancelled();
    std::exchange(wanter->stream, nullptr)->reset(http::ResetReason::kCancel);
  }
  w.settle();
  CHECK(w.peerStats().evictionsTotal.get() == 1);
  w.remoteLoop.unblock();
  w.network.resume(w.there);
  Wanter& next = w.add(kH2);
  CHECK_FALSE(next.ready);
  w.until([&] { return next.done; });
  CHECK(next.used != stays.used);
  CHECK_FALSE(stays.over());
  w.remote.requests.front()->answer(200, "");
  w.until([&] { return stays.done; });
  w.settle();
  CHECK(w.pool->connections() == 1);
}

TEST_CASE("pool: a few cancellations do not cost a connection") {
  PoolWorld w;
  const auto leave = w.add(kH2, 5, "/hang");
  w.until([&] { return w.remote.requests.size() == 5; });
  for (Wanter* wanter : leave)
    std::exchange(wanter->stream, nullptr)->reset(http::ResetReason::kCancel);
  w.settle();
  Wanter& next = w.add(kH2);
  CHECK(next.used == leave.front()->used);
  CHECK(w.peerStats().evictionsTotal.get() == 0);
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

// --- the peer's address -----------------------------------------------------------------------------------------

TEST_CASE("pool: a changed address is where new connections go") {
  PoolWorld w;
  MemoryPeer other(w.network, w.there, w.remoteLoop, w.remoteIo, *SocketAddress::parse("10.0.0.2:9001"));
  Wanter& first = w.add(kH1);
  w.until([&] { return first.done && w.idle() == 1; });
  PeerOptions moved = *w.options;
  moved.address = other.listener.address();
  w.reach.choose(std::make_shared<const PeerOptions>(moved), false);
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
    MemoryPeer other(w.network, w.there, w.remoteLoop, w.remoteIo, *SocketAddress::parse("10.0.0.2:9001"));
    const auto used = w.add(protocol, 2, "/hang");
    w.until([&] { return w.remote.requests.size() == 2; });
    w.remote.requests.front()->answer(200, "");
    w.until([&] { return used.front()->done; });
    Wanter& waiting = w.add(protocol == kH1 ? kH2 : kH1);  // for a connection that is being opened
    PeerOptions moved = *w.options;
    moved.address = other.listener.address();
    w.reach.choose(std::make_shared<const PeerOptions>(moved), false);
    w.pool->renew();
    CHECK(w.pool->settled());
    CHECK(w.pool->abortCondemned(TimePoint::max()));
    w.until([&] { return waiting.done; });
    Wanter& fresh = w.add(protocol);
    CHECK_FALSE(fresh.ready);
    w.until([&] { return fresh.done; });
    CHECK(other.requests.size() == 2);
    CHECK_FALSE(used.back()->over());
    for (const auto& request : w.remote.requests) {
      if (request->stream != nullptr) request->answer(200, "");
    }
    w.until([&] { return used.back()->done; });
    w.settle();
    CHECK(w.pool->connections() == 2);
    CHECK(w.remote.openConnections() == 0);
    other.connections.clear();
  }
}
