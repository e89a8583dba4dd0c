// A pool over a World, and those who want connections of it.
#pragma once

#include <algorithm>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "pool.h"
#include "reach.h"
#include "world.h"

namespace peerpulse::upstream::test {

/// Wants a connection, sends one GET on it.
struct Wanter : Waiter, http::ResponseReceiver {
  explicit Wanter(std::string p) : path(std::move(p)) {}
  void onConnection(PooledConnection& connection) override {
    ready = true;
    used = &connection;
    stream = &connection.openStream(*this);
    http::RequestHead head;
    head.method = "GET";
    head.path = path;
    head.authority = "peer";
    head.complete = true;
    stream->sendHeaders(head, true);
    if (whenReady) whenReady();
  }
  void onNoConnection(PoolFailure f, const Error& e) override {
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
  void onClosed() override {
    done = true;
    stream = nullptr;
  }
  void onReset(http::ResetReason, std::string_view) override {
    wasReset = true;
    stream = nullptr;
  }
  bool over() const { return done || wasReset || failed; }

  std::string path;
  std::function<void()> whenReady;
  http::RequestStream* stream = nullptr;
  PooledConnection* used = nullptr;
  bool ready = false, failed = false, done = false, wasReset = false;
  PoolFailure failure{};
  int error = 0, status = 0;
};

struct PoolWorld : World {
  explicit PoolWorld(const std::function<void(PoolOptions&)>& configure = {},
                     TrafficClass trafficClass = TrafficClass::kControl)
      : World([&](Options& o) {
          if (configure) configure(o.pool);
        }),
        pool(std::make_unique<Pool>(context, reach, trafficClass, limit)) {
    invariant = [this] { return pool->settled() && consistent(); };
  }
  ~PoolWorld() {
    invariant = nullptr;
    pool.reset();
  }

  Wanter& add(Protocol protocol, const std::string& path = "/ok") {
    wanters.push_back(std::make_unique<Wanter>(path));
    pool->acquire(*wanters.back(), protocol);
    CHECK(pool->settled());
    return *wanters.back();
  }
  std::vector<Wanter*> add(Protocol protocol, int count, const std::string& path = "/ok") {
    std::vector<Wanter*> added;
    for (int i = 0; i < count; ++i)
      added.push_back(&add(protocol, path));
    return added;
  }
  void change(health::Verdict verdict, health::CircuitState circuit = health::CircuitState::kClosed) {
    publish(verdict, circuit);
    pool->settle();
    CHECK(pool->settled());
  }
  /// The gauges tell what there is.
  bool consistent() {
    const stats::PeerStats& s = peerStats();
    return s.connectionsConnecting.get() + s.connectionsIdle.get() + s.connectionsActive.get() >=
               pool->connections() &&
           s.connectionsConnecting.get() >= limit.connecting;
  }
  uint64_t idle() { return peerStats().connectionsIdle.get(); }
  uint64_t active() { return peerStats().connectionsActive.get(); }
  uint64_t connecting() { return peerStats().connectionsConnecting.get(); }
  void cutPath(bool on) { network.cutBothWays(here, there, on); }

  ConnectLimit limit;
  PeerOptionsRef options = peerOptions();
  Reach reach{options, false};
  std::unique_ptr<Pool> pool;
  std::list<std::unique_ptr<Wanter>> wanters;
};

inline bool allOver(const std::vector<Wanter*>& wanters) {
  return std::all_of(wanters.begin(), wanters.end(), [](const Wanter* w) { return w->over(); });
}
inline size_t howMany(const std::vector<Wanter*>& wanters, bool Wanter::*what) {
  return static_cast<size_t>(
      std::count_if(wanters.begin(), wanters.end(), [&](const Wanter* w) { return w->*what; }));
}

}  // namespace peerpulse::upstream::test
