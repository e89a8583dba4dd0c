// Goal: a connection that its path has forgotten (nothing that we send on it arrives, new connections work) harms those who
// were on it, and nobody after them; it ends soon, at nobody's blame. A peer that takes nothing, a lost packet and a dead
// host are something else.
// Method: pools and requests over a network in memory that can forget connections. A retransmission comes after 200 ms, then
// after twice as long each time.
#include "flow_watch.h"

#include "pool_fixture.h"
#include "request_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;
using health::Outcome;
using health::Verdict;
using http::Version;

namespace {

constexpr Version kVersions[] = {Version::kHttp11, Version::kHttp2};
constexpr auto kH1 = Protocol::kHttp1;
constexpr auto kH2 = Protocol::kHttp2;
// By then a silence has been found: the first retransmission, and two looks.
constexpr Duration kFound = milliseconds(320);

Wish get(Version version, std::string path = "/ok") {
  Wish w;
  w.path = std::move(path);
  w.version = version;
  return w;
}

Wish put(Version version, std::string path = "/test") {
  Wish w = get(version, std::move(path));
  w.body = "body";
  return w;
}

bool noneFailed(const RequestWorld& w) {
  return std::all_of(w.outcomes.seen.begin(), w.outcomes.seen.end(),
                     [](const health::OutcomeRecord& o) { return o.outcome == Outcome::kSuccess; });
}

}  // namespace

TEST_CASE("flow watch: a forgotten connection fails who was on it soon, at nobody's blame, and serves nobody else") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    w.answered(version);
    w.network.forget(w.here, w.there);
    const TimePoint before = w.time.now();
    Owner& lost = w.ask(put(version));
    w.run(kFound);
    for (int i = 0; i < 20; ++i) {
      Owner& next = w.ask(get(version));
      w.until([&] { return next.story().over(); }, milliseconds(5));
      CHECK(next.story().status == 200);
    }
    CHECK_FALSE(lost.story().over());
    w.until([&] { return lost.story().over(); });
    CHECK(w.time.now() - before < seconds(2));
    CHECK(lost.story().failure.type == ErrorType::kConnectionTerminated);
    CHECK(lost.story().failure.party == Party::kPath);
    CHECK(noneFailed(w));
    CHECK(w.peerStats().forgottenTotal.get() == 1);
    CHECK(w.remote.connections.size() == 2);
    w.settle();
    CHECK(w.peer().connections() == 1);
  }
}

TEST_CASE("flow watch: a safe request that was on it is replayed on another, if that is allowed") {
  for (const bool allowed : {true, false}) {
    CAPTURE(allowed);
    RequestWorld w([&](Options& o) { o.retry.replayIdempotent = allowed; });
    w.answered(Version::kHttp11);
    w.network.forget(w.here, w.there);
    Owner& owner = w.ask(get(Version::kHttp11));
    w.until([&] { return owner.story().over(); }, seconds(2));
    CHECK(owner.story().closed == allowed);
    CHECK(noneFailed(w));
  }
}

TEST_CASE("flow watch: in the middle of an upload, and of a download whose reader gives credit") {
  for (const bool upload : {true, false}) {
    CAPTURE(upload);
    RequestWorld w;
    // Room for so much that credit is given back before the peer's kernel waits for ACKs.
    w.network.setOptions(w.here, {.sendBuffer = 64 * 1024, .receiveWindow = 2 * 1024 * 1024});
    w.network.setOptions(w.there, {.sendBuffer = 2 * 1024 * 1024, .receiveWindow = 64 * 1024});
    Wish asked = get(Version::kHttp2, "/test");
    asked.bodyByHand = upload;
    asked.trafficClass = TrafficClass::kBulk;
    Owner& owner = w.send(asked);
    const std::string megabyte(1024 * 1024, 'x');
    if (!upload) {
      w.remote.last().begin(200, std::nullopt);
      w.remote.last().stream->sendData(Slice::copyOf(megabyte));
    }
    w.settle();
    w.network.forget(w.here, w.there);
    const TimePoint before = w.time.now();
    if (upload) {
      owner.give(megabyte);
    } else {
      w.remote.last().stream->sendData(Slice::copyOf(megabyte));
    }
    w.until([&] { return owner.story().over(); });
    CHECK(w.time.now() - before < seconds(3));  // the stall deadline would be 10 s
    CHECK(owner.story().failure.party == Party::kPath);
    CHECK(noneFailed(w));
  }
}

TEST_CASE("flow watch: with one forgotten, the other idle ones are not tried one after the other") {
  PoolWorld w;
  const auto all = w.add(kH1, 6);
  w.until([&] { return allOver(all) && w.idle() == 6; });
  w.run(seconds(1));
  w.network.forget(w.here, w.there);
  Wanter& victim = w.add(kH1);
  w.run(kFound);
  CHECK_FALSE(victim.over());
  const auto next = w.add(kH1, 10);
  w.until([&] { return allOver(next); }, milliseconds(10));
  CHECK(howMany(next, &Wanter::done) == 10);
  w.until([&] { return victim.over(); }, seconds(2));
  CHECK(victim.wasReset);
  w.pool->sweep(w.time.now(), TimePoint::max());  // the five idle ones that nobody has heard since
  w.settle();
  CHECK(w.pool->connections() <= 11);
  Wanter& last = w.add(kH1);
  w.until([&] { return last.done; }, milliseconds(5));
}

TEST_CASE("flow watch: the limit on connections does not keep a fresh one from being opened") {
  for (const Protocol protocol : {kH1, kH2}) {
    CAPTURE(toString(protocol));
    PoolWorld w([](PoolOptions& o) { o.maxConnections = 1; });
    Wanter& first = w.add(protocol);
    w.until([&] { return first.done && w.idle() == 1; });
    w.network.forget(w.here, w.there);
    Wanter& victim = w.add(protocol);
    w.run(kFound);
    CHECK_FALSE(victim.over());
    Wanter& next = w.add(protocol);
    w.until([&] { return next.done; }, milliseconds(5));
    w.until([&] { return victim.wasReset; }, seconds(2));
    CHECK(w.pool->connections() == 1);
  }
}

TEST_CASE("flow watch: idle connections that are not to be trusted make room under the limit") {
  PoolWorld w([](PoolOptions& o) { o.maxConnections = 3; });
  const auto all = w.add(kH1, 3);
  w.until([&] { return allOver(all) && w.idle() == 3; });
  w.run(seconds(1));
  w.network.forget(w.here, w.there);
  w.add(kH1);
  w.run(kFound);
  const auto next = w.add(kH1, 3, "/hang");
  w.run(milliseconds(5));
  CHECK(howMany(next, &Wanter::ready) == 3);
}

TEST_CASE("flow watch: a silence that ends was only a loss: the connection and its requests go on") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    w.answered(version);
    w.network.cut(w.here, w.there, true);
    Owner& owner = w.ask(get(version));
    w.run(milliseconds(300));  // the first retransmission is lost, too
    w.network.cut(w.here, w.there, false);
    w.until([&] { return owner.story().over(); }, milliseconds(400));
    CHECK(owner.story().status == 200);
    CHECK(w.peerStats().forgottenTotal.get() == 0);
    w.run(milliseconds(100));
    const size_t connections = w.remote.connections.size();
    CHECK(connections <= 2);
    for (int i = 0; i < 5; ++i) {
      Owner& next = w.ask(get(version));
      w.until([&] { return next.story().over(); }, milliseconds(5));
    }
    CHECK(w.remote.connections.size() == connections);
  }
}

TEST_CASE("flow watch: a peer that takes nothing for minutes, but acknowledges, keeps its connection") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Wish asked = get(version, "/hold");
    asked.bodyByHand = true;
    asked.trafficClass = TrafficClass::kStream;
    Owner& owner = w.send(asked);
    w.network.stop(w.there);
    w.remoteLoop.block(TimePoint::max());
    owner.give(std::string(4 * 1024 * 1024, 'x'));
    w.run(std::chrono::minutes(5));
    CHECK_FALSE(owner.story().over());
    CHECK(w.peerStats().forgottenTotal.get() == 0);
    CHECK(w.peer().connections() == 1);
    w.remoteLoop.unblock();
    w.network.resume(w.there);
  }
}

TEST_CASE("flow watch: a peer of whom nobody hears anything is the prober's to judge") {
  for (const Verdict verdict : {Verdict::kSuspect, Verdict::kUnknown}) {
    CAPTURE(health::toString(verdict));
    RequestWorld w;
    w.answered();
    Owner& owner = w.send(put(Version::kHttp2));
    w.change(verdict);
    w.network.forget(w.here, w.there);
    w.until([&] { return w.remote.last().ended; });
    owner.request().sendData(Slice());
    w.run(seconds(5));
    CHECK_FALSE(owner.story().over());
    CHECK(w.peerStats().forgottenTotal.get() == 0);
    CHECK(w.remote.connections.size() == 1);
  }
}

TEST_CASE("flow watch: while new connections are not answered either, the old ones are not given up") {
  RequestWorld w;
  w.answered();
  w.cutPath(true);  // of the data; the verdict says alive
  Owner& owner = w.ask(put(Version::kHttp2));
  w.run(seconds(5));
  CHECK_FALSE(owner.story().over());
  CHECK(w.peerStats().forgottenTotal.get() == 0);
  w.cutPath(false);
  w.until([&] { return w.remote.requests.size() == 2; });
  w.remote.last().answer(200, "late");
  w.until([&] { return owner.story().over(); });
  CHECK(owner.story().body == "late");
}

TEST_CASE("flow watch: a silent connection whose last request has gone is closed") {
  PoolWorld w;
  Wanter& first = w.add(kH2);
  w.until([&] { return first.done && w.idle() == 1; });
  w.network.forget(w.here, w.there);
  Wanter& victim = w.add(kH2);
  w.run(kFound);
  std::exchange(victim.stream, nullptr)->reset(http::ResetReason::kCancel);
  w.run(milliseconds(100));
  CHECK(w.pool->connections() == 1);
  Wanter& next = w.add(kH2);
  CHECK(next.ready);
  w.until([&] { return next.done; });
}

TEST_CASE("flow watch: a thousand forgotten connections are all found") {
  PoolWorld w([](PoolOptions& o) { o.maxConnections = 4096; });
  const auto all = w.add(kH1, 1000, "/test");
  w.until([&] { return w.remote.requests.size() == 1000; });
  for (const auto& request : w.remote.requests)
    request->answer(200, "");
  w.until([&] { return w.idle() == 1000; });
  w.run(seconds(1));
  w.network.forget(w.here, w.there);
  const auto victims = w.add(kH1, 1000);
  w.until([&] { return allOver(victims); }, seconds(3));
  CHECK(howMany(victims, &Wanter::wasReset) == 1000);
  CHECK(w.peerStats().forgottenTotal.get() == 1000);
}
