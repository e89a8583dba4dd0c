// Goal: a pool opens no more connections than are needed, reuses them, and forgets none of those who wait.
// Method: a pool over a peer in memory; after every step of the world its invariants hold.
#include "pool_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;

namespace {
constexpr auto kH1 = Protocol::kHttp1;
constexpr auto kH2 = Protocol::kHttp2;
}  // namespace

// --- serving ----------------------------------------------------------------------------------------------------

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

TEST_CASE("pool: not even who comes from inside the serving of another goes before those who wait") {
  PoolWorld w([](PoolOptions& o) { o.maxStreamsPerConnection = 2; });
  Wanter& first = w.add(kH2, "/hang");
  Wanter& second = w.add(kH2, "/hang");
  Wanter* third = nullptr;
  first.whenReady = [&] {
    third = &*w.wanters.emplace_back(std::make_unique<Wanter>("/hang"));
    w.pool->acquire(*third, kH2);
  };
  w.until([&] { return w.remote.requests.size() == 2; });
  CHECK(second.used == first.used);
  REQUIRE(third != nullptr);
  CHECK(third->used != first.used);
  w.until([&] { return w.remote.requests.size() == 3; });
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
  CHECK(w.remote.connections.front()->closeCode == ECONNRESET);
}

// --- two protocols ----------------------------------------------------------------------------------------------

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
  CHECK(!w.pool->openingSince(kH1));
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
