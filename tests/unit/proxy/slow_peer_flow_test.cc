// Goal: what the clients of a slow peer see, by mode, protocol and on_dead: the preset's refusal at once, nobody's failure;
// and by default nothing at all.
#include <doctest/doctest.h>

#include "proxy_world.h"

using namespace peerpulse;
using namespace peerpulse::proxy;
using namespace peerpulse::proxy::test;

namespace {

struct SlowPeer : ProxyWorld {
  SlowPeer(upstream::GovernorMode mode, OnDead onDead, bool h2)
      : ProxyWorld([&](ProxyOptions& options) {
          options.governor.mode = mode;
          options.peers[0].onDead = onDead;
        }),
        http2(h2) {
    TestClient& quick = client(h2);
    for (int i = 0; i < 30; ++i) {
      answered(quick);
      run(milliseconds(50));
    }
  }
  /// Twenty that are not answered.
  void pile() {
    for (int i = 0; i < 20; ++i) {
      (void)client(http2).send("GET", "/hang");
      run(milliseconds(100));
    }
  }
  const stats::GovernorStats& governor() const { return peerStats().governors[0]; }
  const bool http2;
};

}  // namespace

TEST_CASE("slow peer: enforced, its clients are answered 503 at once") {
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    SlowPeer w(upstream::GovernorMode::kEnforce, OnDead::kRespond, http2);
    w.pile();
    REQUIRE(w.governor().shed.get() > 0);
    const uint64_t before = w.governor().shed.get();
    const uint64_t served = w.remote.requests.size();
    ClientRequest& refused = w.client(http2).send("GET", "/ok");
    w.settle();
    REQUIRE(refused.gotHead);
    CHECK(refused.head.status == 503);
    CHECK(refused.head.headers.find("proxy-status").find("error=connection_limit_reached") != std::string_view::npos);
    CHECK(refused.head.headers.find("retry-after") == "1");
    CHECK(w.governor().shed.get() == before + 1);
    CHECK(w.remote.requests.size() == served);
    CHECK(w.failedBy("self") == w.governor().shed.get());
    CHECK(w.peerStats().failuresTotal.get() == 0);
    CHECK(w.peerStats().fastFailuresTotal.get() == 0);
    CHECK(w.peerStats().evictionsTotal.get() == 0);
    for (const auto& outcome : w.outcomes.seen)
      CHECK(outcome.outcome == health::Outcome::kSuccess);
  }
}

TEST_CASE("slow peer: enforced, clients that distrust answers are reset") {
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    SlowPeer w(upstream::GovernorMode::kEnforce, OnDead::kRefuse, http2);
    w.pile();
    REQUIRE(w.governor().shed.get() > 0);
    ClientRequest& refused = w.client(http2).send("GET", "/ok");
    w.settle();
    CHECK_FALSE(refused.gotHead);
    REQUIRE(refused.wasReset);
    if (http2) CHECK(refused.reset == http::ResetReason::kRefused);
  }
}

TEST_CASE("slow peer: by default its clients see no difference") {
  SlowPeer w(upstream::GovernorOptions{}.mode, OnDead::kRespond, false);
  w.pile();
  CHECK(w.governor().wouldShed.get() > 0);
  CHECK(w.governor().shed.get() == 0);
  w.answered(w.client(false));
  CHECK(w.failedBy("self") == 0);
}
