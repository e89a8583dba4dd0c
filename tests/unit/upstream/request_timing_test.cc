// Goal: a peer's latency is from a request that it has whole to the head of its answer; what the client, a server's error or a
// stopped process does is none of it. And an owner's patience blames nobody.
#include "request_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;
using http::Version;

namespace {

constexpr Version kVersions[] = {Version::kHttp11, Version::kHttp2};

stats::LatencyWindow::Snapshot latency(RequestWorld& w, TrafficClass trafficClass = TrafficClass::kControl) {
  return w.peer().stats().latency[static_cast<size_t>(trafficClass)].snapshot();
}

Wish plain(Version version = Version::kHttp2) {
  Wish wish;
  wish.path = "/test";
  wish.version = version;
  return wish;
}

void answerAfter(RequestWorld& w, Owner& owner, Duration delay, int status = 200) {
  w.run(delay);
  w.remote.last().answer(status, "x");
  w.until([&] { return owner.story().over(); });
}

/// So many that what follows can be late.
void teach(RequestWorld& w, int answers = 20) {
  for (int i = 0; i < answers; ++i)
    answerAfter(w, w.send(plain()), milliseconds(10));
}

}  // namespace

TEST_CASE("request timing: from the request to the head of its answer") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Owner& owner = w.send(plain(version));
    answerAfter(w, owner, milliseconds(30));
    CHECK(latency(w).samples() == 1);
    CHECK(latency(w).percentile(50) >= milliseconds(30));
    CHECK(latency(w).percentile(50) <= milliseconds(36));
    CHECK(latency(w, TrafficClass::kBulk).samples() == 0);
  }
}

TEST_CASE("request timing: what a client takes to send its body is not the peer's") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Wish wish = plain(version);
    wish.bodyByHand = true;
    Owner& owner = w.send(wish);
    owner.give("first");
    w.run(seconds(5));
    owner.give("last");
    owner.giveEnd();
    w.until([&] { return w.remote.last().ended; });
    answerAfter(w, owner, milliseconds(20));
    CHECK(latency(w).samples() == 1);
    CHECK(latency(w).percentile(50) <= milliseconds(25));
  }
}

TEST_CASE("request timing: how long its client waits says nothing of the peer, unless that was late already") {
  RequestWorld w;
  teach(w);
  for (const auto& [deadline, samples] : {std::pair(milliseconds(2), 20U), std::pair(milliseconds(50), 21U)}) {
    Wish wish = plain();
    wish.deadline = deadline;
    Owner& owner = w.send(wish);
    w.until([&] { return owner.story().over(); });
    CHECK(latency(w).samples() == samples);
  }
}

TEST_CASE("request timing: an answer before the whole request, and a server's error, say nothing") {
  RequestWorld w;
  Wish wish = plain();
  wish.bodyByHand = true;
  Owner& early = w.send(wish);
  w.remote.last().begin(200, std::nullopt);
  w.settle();
  CHECK(early.story().status == 200);
  early.giveEnd();
  answerAfter(w, w.send(plain()), milliseconds(1), 500);
  CHECK(latency(w).samples() == 0);
  answerAfter(w, w.send(plain()), milliseconds(1), 404);
  CHECK(latency(w).samples() == 1);
}

TEST_CASE("request timing: a timeout counts as at least as long, unless the process is stopped") {
  RequestWorld w;
  w.until([&, &owner = w.send(plain())] { return owner.story().over(); }, seconds(20));
  CHECK(latency(w).samples() == 1);
  CHECK(latency(w).percentile(50) >= milliseconds(9900));
  w.table.publishOwing(kPeer, true);
  w.until([&, &owner = w.send(plain())] { return owner.story().over(); }, seconds(20));
  CHECK(latency(w).samples() == 1);
}

TEST_CASE("request timing: what was cancelled counts if it was late") {
  RequestWorld w;
  teach(w);
  Owner& early = w.send(plain());
  w.run(milliseconds(2));
  early.request().cancel();
  CHECK(latency(w).samples() == 20);
  Owner& late = w.send(plain());
  w.run(milliseconds(50));
  late.request().cancel();
  CHECK(latency(w).samples() == 21);
  CHECK(latency(w).percentile(100) >= milliseconds(50));
  CHECK(w.outcomes.seen.size() == 20);  // the answers'
}

TEST_CASE("request timing: a request that is lost says nothing") {
  RequestWorld w;
  teach(w, 1);
  Wish wish = plain();
  wish.method = "POST";  // not tried again
  Owner& owner = w.send(wish);
  w.run(milliseconds(500));
  w.remote.connections.back()->abort();
  w.until([&] { return owner.story().over(); });
  CHECK(owner.story().failed);
  CHECK(latency(w).samples() == 1);
}

TEST_CASE("request timing: patience is late, and tells nothing of the peer") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Wish wish = plain(version);
    wish.bodyByHand = true;
    wish.patience = milliseconds(100);
    Owner& owner = w.send(wish);
    w.run(seconds(5));  // the client's time
    CHECK_FALSE(owner.story().over());
    owner.giveEnd();
    const TimePoint asked = w.time.now();
    w.until([&] { return owner.story().over(); });
    CHECK(w.time.now() - asked <= milliseconds(101));
    CHECK(w.time.now() - asked >= milliseconds(95));
    CHECK(owner.story().failure.type == ErrorType::kHttpResponseTimeout);
    CHECK(owner.story().failure.party == Party::kPeer);
    CHECK(owner.story().failure.timedOut);
    CHECK(w.outcomes.seen.empty());
  }
}

TEST_CASE("request timing: apart is on a connection of no other request of its class") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Owner& first = w.send(plain(version));
    Wish wish = plain(version);
    wish.apart = true;
    Owner& second = w.send(wish);
    CHECK(w.remote.openConnections() == 2);
    answerAfter(w, second, milliseconds(1));
    CHECK_FALSE(first.story().over());
    CHECK(latency(w).samples() == 1);  // it is of its class all the same
  }
}
