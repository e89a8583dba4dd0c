// Goal: a pool opens no more connections than are needed, reuses them, and forgets none of those who wait.
// Method: a pool and a scripted peer on one loop, with real sockets.
#include <algorithm>
#include <cerrno>
#include <functional>
#include <list>
#include <memory>

#include <doctest/doctest.h>

#include "peerpulse/upstream/connection_pool.h"
#include "scripted_peer.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using peerpulse::test::TestPeer;

namespace {

/// Wants a stream, sends one GET on it.
struct Request : PendingRequest, http::ResponseReceiver {
  explicit Request(std::string p = "/ok") : path(std::move(p)) {}
  void onPoolReady(PooledConnection& connection) override {
    ready = true;
    used = &connection;
    stream = &connection.openStream(*this);
    http::RequestHead head;
    head.method = "GET";
    head.path = path;
    head.authority = "peer";
    head.complete = true;
    stream->sendHeaders(head, true);
  }
  void onPoolFailure(PoolFailure f, const Error& e) override {
    failed = true;
    failure = f;
    error = e.code;
  }
  void onInformational(http::ResponseHead&&) override {}
  void onHeaders(http::ResponseHead&& head) override { status = head.status; }
  void onData(Slice data) override { stream->consumed(data.size()); }
  void onTrailers(http::HeaderList&&) override {}
  void onEnd() override {}
  void onBodySent(size_t) override {}
  void onClosed() override { done = true; }
  void onReset(http::ResetReason, std::string_view) override { wasReset = true; }
  std::string path;
  http::RequestStream* stream = nullptr;
  PooledConnection* used = nullptr;
  bool ready = false, failed = false, done = false, wasReset = false;
  PoolFailure failure{};
  int error = 0, status = 0;
};

struct Fixture {
  explicit Fixture(Protocol protocol, const std::function<void(PoolOptions&)>& configure = {},
                   Duration connectTimeout = seconds(2))
      : queue(dispatcher), peer(dispatcher, blocks, queue), table(1) {
    if (configure) configure(options);
    health::CircuitWord alive;
    alive.verdict = health::Verdict::kAlive;
    table.publish(PeerId{0}, alive);
    pool = std::make_unique<ConnectionPool>(context, PeerId{0}, peer.listener->address(), protocol,
                                            TrafficClass::kControl, connectTimeout, limit, stats);
  }
  ~Fixture() {
    pool.reset();
    dispatcher.clearDeferred();
  }
  Request& add(const std::string& path = "/ok") {
    requests.push_back(std::make_unique<Request>(path));
    pool->acquire(*requests.back());
    return *requests.back();
  }
  template <typename Condition>
  void until(Condition condition) {
    const TimePoint stop = dispatcher.now() + seconds(10);
    std::unique_ptr<event::Timer> timer;
    timer = dispatcher.createTimer([&] {
      if (condition() || dispatcher.now() > stop) {
        dispatcher.exit();
      } else {
        timer->enable(microseconds(200));
      }
    });
    timer->enable(Duration::zero());
    dispatcher.run();
    REQUIRE(condition());
  }

  event::Dispatcher dispatcher;
  net::ReadBlocks blocks;
  net::FlushQueue queue;
  TestPeer peer;
  health::CircuitTable table;
  PoolOptions options;
  TcpOptions tcp;
  stats::PeerStats stats;
  ConnectLimit limit;
  PoolContext context{dispatcher, blocks, queue, table, options, tcp, {}};
  std::unique_ptr<ConnectionPool> pool;
  std::list<std::unique_ptr<Request>> requests;
};

}  // namespace

TEST_CASE("pool: h1 takes a connection per request, keeps at most max_idle, and reuses them") {
  Fixture f(Protocol::kHttp1, [](PoolOptions& o) { o.maxIdlePerPeer = 3; });
  for (int i = 0; i < 8; ++i)
    f.add();
  f.until([&] { return std::all_of(f.requests.begin(), f.requests.end(), [](auto& r) { return r->done; }); });
  f.until([&] { return f.stats.connectionsIdle.get() == 3; });
  CHECK(f.stats.connectionsActive.get() == 0);
  CHECK(f.stats.connectionsConnecting.get() == 0);
  const size_t opened = f.peer.connections.size();
  Request& again = f.add();
  CHECK(again.ready);  // at once, from inside acquire()
  f.until([&] { return again.done; });
  CHECK(f.peer.connections.size() == opened);
}

TEST_CASE("pool: h2 shares one connection up to its streams") {
  Fixture f(Protocol::kHttp2, [](PoolOptions& o) { o.maxStreamsPerConnection = 4; });
  for (int i = 0; i < 8; ++i)
    f.add("/hang");
  f.until([&] { return f.peer.requests.size() == 8; });
  CHECK(f.peer.connections.size() == 2);
  CHECK(f.stats.connectionsActive.get() == 2);
}

TEST_CASE("pool: beyond max_connections requests wait and are served in turn") {
  Fixture f(Protocol::kHttp1, [](PoolOptions& o) { o.maxConnections = 2; });
  for (int i = 0; i < 20; ++i)
    f.add();
  f.until([&] { return std::all_of(f.requests.begin(), f.requests.end(), [](auto& r) { return r->done; }); });
  CHECK(f.peer.connections.size() == 2);
}

TEST_CASE("pool: beyond max_pending a request fails at once") {
  Fixture f(Protocol::kHttp1, [](PoolOptions& o) { o.maxPending = 2; });
  f.add();
  f.add();
  Request& third = f.add();
  CHECK(third.failed);
  CHECK(third.failure == PoolFailure::kOverflow);
}

TEST_CASE("pool: a refused connect fails those who wait, with its errno") {
  Fixture f(Protocol::kHttp2);
  REQUIRE(f.peer.listener->refuse());
  Request& first = f.add();
  Request& second = f.add();
  f.until([&] { return first.failed && second.failed; });
  CHECK(first.failure == PoolFailure::kConnectFailed);
  CHECK(first.error == ECONNREFUSED);
}

TEST_CASE("pool: a request that leaves is not served") {
  Fixture f(Protocol::kHttp1);
  Request& gone = f.add();
  Request& stays = f.add();
  gone.ListNode<PendingTag>::unlink();
  f.until([&] { return stays.done; });
  CHECK_FALSE(gone.ready);
  CHECK_FALSE(gone.failed);
}

TEST_CASE("pool: a condemned connection is used no more and reset later, and the pool works on") {
  Fixture f(Protocol::kHttp1, [](PoolOptions& o) { o.maxConnections = 1; });
  Request& active = f.add("/hang");
  f.until([&] { return active.ready; });
  f.pool->condemn();
  CHECK_FALSE(active.wasReset);
  Request& later = f.add();  // the condemned one does not count against the limit
  f.until([&] { return later.done; });
  CHECK(later.status == 200);
  CHECK(later.used != active.used);
  CHECK_FALSE(f.pool->abortCondemned(f.dispatcher.now() - seconds(1)));  // no time: nothing done
  CHECK_FALSE(active.wasReset);
  CHECK(f.pool->abortCondemned(TimePoint::max()));
  CHECK(active.wasReset);
  CHECK(f.stats.connectionsActive.get() == 0);
}

TEST_CASE("pool: condemning a connection that is still connecting leaves those who wait to their own end") {
  Fixture f(Protocol::kHttp2);
  Request& waiting = f.add();
  f.pool->condemn();
  CHECK(f.pool->abortCondemned(TimePoint::max()));
  CHECK_FALSE(waiting.ready);
  CHECK(f.stats.connectionsConnecting.get() == 0);
  waiting.ListNode<PendingTag>::unlink();
  Request& next = f.add();
  f.until([&] { return next.done; });
}

TEST_CASE("pool: idle connections are evicted when unused too long, not before") {
  Fixture f(Protocol::kHttp1);
  Request& request = f.add();
  f.until([&] { return request.done && f.stats.connectionsIdle.get() == 1; });
  f.pool->evictIdle(f.dispatcher.now() + f.options.idleTimeout / 2);
  CHECK(f.stats.connectionsIdle.get() == 1);
  f.pool->evictIdle(f.dispatcher.now() + f.options.idleTimeout * 2);
  CHECK(f.stats.connectionsIdle.get() == 0);
  CHECK(f.stats.evictionsTotal.get() == 1);
}

TEST_CASE("pool: a peer that gave no sign of life for ten seconds loses its idle connections") {
  Fixture f(Protocol::kHttp1);
  Request& request = f.add();
  f.until([&] { return request.done && f.stats.connectionsIdle.get() == 1; });
  health::CircuitWord suspect;
  suspect.verdict = health::Verdict::kSuspect;
  f.table.publish(PeerId{0}, suspect);
  f.pool->evictIdle(f.dispatcher.now() + seconds(9));
  CHECK(f.stats.connectionsIdle.get() == 1);
  f.pool->evictIdle(f.dispatcher.now() + seconds(11));
  CHECK(f.stats.connectionsIdle.get() == 0);
}

TEST_CASE("pool: an idle connection that the peer closed is not used again") {
  Fixture f(Protocol::kHttp1);
  Request& request = f.add();
  f.until([&] { return request.done && f.stats.connectionsIdle.get() == 1; });
  f.peer.connections.front()->connection->close();  // the FIN is there, but nobody has read it yet
  Request& next = f.add();
  CHECK_FALSE(next.ready);
  f.until([&] { return next.done; });
  CHECK(f.peer.connections.size() == 2);
}

TEST_CASE("pool: a connection with three failures in a row takes no more exchanges") {
  Fixture f(Protocol::kHttp2);
  Request& hanging = f.add("/hang");
  f.until([&] { return hanging.ready; });
  for (int i = 0; i < 3; ++i)
    hanging.used->recordResult(false);
  Request& next = f.add();
  f.until([&] { return next.done; });
  CHECK(next.used != hanging.used);
  CHECK(f.peer.connections.size() == 2);
}

TEST_CASE("pool: no more connections are opened at a time than the limit, but one always") {
  Fixture f(Protocol::kHttp1);
  f.limit.most = 3;
  for (int i = 0; i < 20; ++i)
    f.add("/hang");
  CHECK(f.limit.connecting == 3);
  f.limit.most = 0;
  f.until([&] { return f.peer.requests.size() == 20; });
  CHECK(f.limit.connecting == 0);
  f.limit.connecting = 100;  // of the peer's other pools
  Request& one = f.add();
  f.until([&] { return one.done; });
  CHECK(f.limit.connecting == 100);
}

TEST_CASE("pool: one failed connection fails no more requests than it would have served") {
  Fixture f(Protocol::kHttp1);
  f.limit.most = 1;
  REQUIRE(f.peer.listener->refuse());
  for (int i = 0; i < 5; ++i)
    f.add();
  f.until([&] { return std::all_of(f.requests.begin(), f.requests.end(), [](auto& r) { return r->failed; }); });
  CHECK(f.stats.connectFailuresTotal.get() == 5);
}
