// Goal: each deadline ends a request when it is due and names the right party; and none runs while the peer owes nothing.
#include "request_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;
using health::Outcome;
using http::Version;
using State = Request::State;

namespace {

constexpr Version kVersions[] = {Version::kHttp11, Version::kHttp2};

Wish control(std::string path, Version version = Version::kHttp2) {
  Wish wish;
  wish.path = std::move(path);
  wish.version = version;
  return wish;
}

Wish bulk(std::string path, Version version = Version::kHttp2) {
  Wish wish = control(std::move(path), version);
  wish.trafficClass = TrafficClass::kBulk;
  return wish;
}

Wish bulkBody(std::string path, Version version = Version::kHttp2) {
  Wish wish = bulk(std::move(path), version);
  wish.bodyByHand = true;
  return wish;
}

/// Runs until the request fails; what it took from now on.
Duration untilFailed(RequestWorld& w, Owner& owner) {
  const TimePoint before = w.time.now();
  w.until([&] { return owner.story().over(); }, seconds(10'000));
  CHECK(owner.story().failed);
  return w.time.now() - before;
}

// One outcome, if any, of these.
void checkOutcomes(const RequestWorld& w, std::vector<Outcome> expected) {
  std::vector<Outcome> seen;
  for (const auto& record : w.outcomes.seen)
    seen.push_back(record.outcome);
  CHECK(seen == expected);
}

}  // namespace

// --- connect ---------------------------------------------------------------------------------------------------

TEST_CASE("request deadline: no connection in time is the peer's doing") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    w.cutPath(true);
    Owner& owner = w.ask(control("/ok", version));
    CHECK(untilFailed(w, owner) == seconds(2));
    CHECK(owner.story().failure.type == ErrorType::kConnectionTimeout);
    CHECK(owner.story().failure.party == Party::kPeer);
    CHECK(owner.story().failure.timedOut);
    checkOutcomes(w, {Outcome::kConnectFailure});
    CHECK_FALSE(owner.request().sent());
  }
}

TEST_CASE("request deadline: who came later to a connect that times out has the rest of its own time") {
  RequestWorld w;
  w.cutPath(true);
  Owner& first = w.ask(control("/ok"));
  w.run(milliseconds(1500));
  Owner& second = w.ask(control("/ok"));
  CHECK(untilFailed(w, first) == milliseconds(500));
  CHECK(untilFailed(w, second) == milliseconds(1500));
  CHECK(second.story().failure.type == ErrorType::kConnectionTimeout);
  checkOutcomes(w, {Outcome::kConnectFailure, Outcome::kConnectFailure});
}

TEST_CASE("request deadline: waiting for a place under our own limit is not the peer's doing") {
  RequestWorld w([](Options& o) { o.pool.maxConnections = 1; });
  w.send(control("/hang", Version::kHttp11));
  Owner& waits = w.ask(control("/ok", Version::kHttp11));
  CHECK(untilFailed(w, waits) == seconds(2));
  CHECK(waits.story().failure.type == ErrorType::kConnectionLimitReached);
  CHECK(waits.story().failure.party == Party::kSelf);
  CHECK(waits.story().failure.timedOut);
  CHECK(w.outcomes.seen.empty());
}

TEST_CASE(
    "request deadline: a connection that was begun a moment before the deadline does not make it the peer's doing") {
  RequestWorld w([](Options& o) { o.pool.maxConnections = 1; });
  Owner& uses = w.send(control("/hang", Version::kHttp11));
  Owner& waits = w.ask(control("/ok", Version::kHttp11));
  w.run(milliseconds(1999));
  w.cutPath(true);
  uses.request().cancel();  // its connection goes with it, and one is opened for the other
  CHECK(untilFailed(w, waits) == milliseconds(1));
  CHECK(waits.story().failure.party == Party::kSelf);
  CHECK(w.outcomes.seen.empty());
}

TEST_CASE("request deadline: waiting for the only connection allowed, which is being opened, is the peer's doing") {
  RequestWorld w([](Options& o) { o.pool.maxConnections = 1; });
  w.cutPath(true);
  Owner& first = w.ask(control("/ok", Version::kHttp11));
  Owner& second = w.ask(control("/ok", Version::kHttp11));
  CHECK(untilFailed(w, first) == seconds(2));
  CHECK(first.story().failure.type == ErrorType::kConnectionTimeout);
  CHECK(second.story().failure.party == Party::kPeer);
}

TEST_CASE("request deadline: a connect that fails says why, and counts unless it was our own host") {
  const struct {
    int error;
    ErrorType type;
    Party party;
  } rows[] = {{ECONNREFUSED, ErrorType::kConnectionRefused, Party::kPeer},
              {EHOSTUNREACH, ErrorType::kDestinationUnroutable, Party::kPeer},
              {ENETUNREACH, ErrorType::kDestinationUnroutable, Party::kHost},
              {EMFILE, ErrorType::kConnectionLimitReached, Party::kHost},
              {EADDRNOTAVAIL, ErrorType::kConnectionLimitReached, Party::kHost}};
  for (const auto& row : rows) {
    CAPTURE(row.error);
    RequestWorld w([](Options& o) { o.retry.maxRetries = 0; });
    w.network.failConnects(w.here, row.error);
    Owner& owner = w.ask(control("/ok"));
    CHECK(untilFailed(w, owner) < milliseconds(1));
    CHECK(owner.story().failure.type == row.type);
    CHECK(owner.story().failure.party == row.party);
    CHECK(w.outcomes.seen.size() == (row.party == Party::kPeer ? 1 : 0));
  }
}

// --- the whole -------------------------------------------------------------------------------------------------

TEST_CASE("request deadline: an answer that does not come is a timeout, told once") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    const TimePoint start = w.time.now();
    Owner& owner = w.send(control("/hang", version));
    untilFailed(w, owner);
    CHECK(w.time.now() - start == seconds(10));
    CHECK(owner.story().failure.type == ErrorType::kHttpResponseTimeout);
    CHECK(owner.story().failure.party == Party::kPeer);
    checkOutcomes(w, {Outcome::kTimeout});
    w.settle();
    CHECK(w.remote.last().gone);
  }
}

TEST_CASE("request deadline: control's total includes the answer's end") {
  RequestWorld w;
  const TimePoint start = w.time.now();
  Owner& owner = w.send(control("/test"));
  w.remote.last().begin(200, std::nullopt);
  for (int i = 0; i < 9; ++i) {
    w.run(seconds(1));
    w.remote.last().stream->sendData(Slice::copyOf("x"));
  }
  untilFailed(w, owner);
  CHECK(w.time.now() - start == seconds(10));
  checkOutcomes(w, {Outcome::kSuccess});  // it had answered
  CHECK(owner.story().failure.party == Party::kPeer);
}

TEST_CASE("request deadline: three timeouts in a row end the use of an h2 connection that went deaf") {
  RequestWorld w([](Options& o) { o.timeouts[0].request = seconds(1); });
  w.answered();
  for (int i = 0; i < 3; ++i) {
    Owner& owner = w.send(control("/hang"));
    untilFailed(w, owner);
  }
  w.settle();
  w.answered();
  CHECK(w.remote.connections.size() == 2);
  CHECK(w.peerStats().evictionsTotal.get() == 1);
}

TEST_CASE("request deadline: streams last as long as they like") {
  RequestWorld w;
  Wish wish = control("/hang");
  wish.trafficClass = TrafficClass::kStream;
  Owner& owner = w.send(wish);
  w.run(seconds(3600));
  CHECK_FALSE(owner.story().over());
  w.remote.last().answer(200, "at last");
  w.until([&] { return owner.story().closed; });
}

TEST_CASE("request deadline: a tunnel may be silent") {
  RequestWorld w;
  Wish wish = control("/tunnel", Version::kHttp11);
  wish.upgrade = "test";
  wish.deadline = seconds(1);
  Owner& owner = w.send(wish);
  w.remote.last().switchProtocols();
  w.run(seconds(3600));
  CHECK_FALSE(owner.story().over());
  w.remote.last().stream->sendEnd();
  w.run(seconds(3600));
  CHECK(owner.request().state() == State::kAnswered);
  owner.giveEnd();
  w.until([&] { return owner.story().closed; });
}

// --- the client's own ------------------------------------------------------------------------------------------

TEST_CASE("request deadline: the caller's own deadline is the caller's") {
  for (const bool answering : {false, true}) {
    CAPTURE(answering);
    RequestWorld w;
    Wish wish = control("/test");
    wish.deadline = milliseconds(250);
    const TimePoint start = w.time.now();
    Owner& owner = w.send(wish);
    if (answering) w.remote.last().begin(200, std::nullopt);
    untilFailed(w, owner);
    CHECK(w.time.now() - start == milliseconds(250));
    CHECK(owner.story().failure.type == ErrorType::kHttpResponseTimeout);
    CHECK(owner.story().failure.party == Party::kClient);
    CHECK(owner.story().failure.timedOut);
    checkOutcomes(w, answering ? std::vector{Outcome::kSuccess} : std::vector<Outcome>{});
    w.answered();
    CHECK(w.remote.connections.size() == 1);  // nor does it count against the connection
  }
}

TEST_CASE("request deadline: the caller's deadline runs while held and while it pauses itself") {
  RequestWorld w;
  w.change(health::Verdict::kSuspect);
  Wish held = control("/ok");
  held.deadline = milliseconds(50);
  Owner& first = w.ask(held);
  CHECK(untilFailed(w, first) == milliseconds(50));
  CHECK(first.story().failure.party == Party::kClient);
  w.change(health::Verdict::kAlive);
  Wish paused = bulkBody("/test");
  paused.deadline = milliseconds(50);
  Owner& second = w.send(paused);
  CHECK(untilFailed(w, second) < milliseconds(50));
  CHECK(second.story().failure.party == Party::kClient);
  CHECK(w.outcomes.seen.empty());
}

// --- stalls ----------------------------------------------------------------------------------------------------

TEST_CASE("request deadline: an upload that the peer does not take is a stall of the peer, told once") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Owner& owner = w.send(bulkBody("/hold", version));
    owner.give(std::string(5'000'000, 'x'));
    w.run(seconds(1));
    const Duration took = untilFailed(w, owner);
    CHECK(took > seconds(8));
    CHECK(took <= seconds(10));
    CHECK(owner.story().failure.type == ErrorType::kConnectionReadTimeout);
    CHECK(owner.story().failure.party == Party::kPeer);
    checkOutcomes(w, {Outcome::kTimeout});
  }
}

TEST_CASE("request deadline: a peer that took all and does not answer stalls") {
  RequestWorld w;
  Owner& owner = w.send(bulkBody("/test"));
  owner.give("all of it");
  owner.giveEnd();
  w.settle();
  CHECK(untilFailed(w, owner) <= seconds(10));
  CHECK(owner.story().failure.type == ErrorType::kConnectionReadTimeout);
  checkOutcomes(w, {Outcome::kTimeout});
}

TEST_CASE("request deadline: events may be minutes apart, and any other answer may not") {
  for (const Version version : kVersions) {
    for (const char* type : {"text/event-stream", "Text/Event-Stream; charset=utf-8", "text/event", "text/plain"}) {
      CAPTURE(http::toString(version));
      CAPTURE(type);
      for (const bool isControl : {false, true}) {
        RequestWorld w;
        Owner& owner = w.send(isControl ? control("/test", version) : bulk("/test", version));
        http::ResponseHead head;
        head.status = 200;
        head.headers.add("content-type", type);
        w.remote.last().stream->sendHeaders(head, false);
        w.settle();
        w.run(seconds(300));
        const bool events = http::equalsIgnoreCase(std::string_view(type).substr(0, 17), "text/event-stream");
        CHECK(owner.story().failed == !events);
        if (owner.story().failed) continue;
        w.remote.last().stream->sendData(Slice::copyOf("data: 1"));
        w.settle();
        CHECK(owner.story().body == "data: 1");
        owner.request().cancel();
      }
    }
  }
}

TEST_CASE("request deadline: a download that stops is a stall of the peer") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Owner& owner = w.send(bulk("/test", version));
    w.remote.last().begin(200, std::nullopt);
    for (int i = 0; i < 5; ++i) {
      w.run(seconds(9));
      CHECK_FALSE(owner.story().over());
      w.remote.last().stream->sendData(Slice::copyOf("x"));
    }
    w.settle();
    CHECK(untilFailed(w, owner) <= seconds(10));
    CHECK(owner.story().failure.type == ErrorType::kConnectionReadTimeout);
    CHECK(owner.story().failure.party == Party::kPeer);
    checkOutcomes(w, {Outcome::kSuccess});
  }
}

TEST_CASE("request deadline: a chunk of known length must be through in time") {
  RequestWorld w([](Options& o) { o.timeouts[1].minBytesPerSecond = 1000; });
  Owner& owner = w.send(bulk("/test"));
  w.remote.last().begin(200, 5000);
  const TimePoint start = w.time.now();
  for (int i = 0; i < 15; ++i) {
    w.run(seconds(1));
    w.remote.last().stream->sendData(Slice::copyOf("x"));  // no stall, but no end either
  }
  untilFailed(w, owner);
  const Duration took = w.time.now() - start;
  CHECK(took >= seconds(16));  // 10 s and 5000 bytes by 1000 a second, begun ones included
  CHECK(took < seconds(17));
  CHECK(owner.story().failure.type == ErrorType::kHttpResponseTimeout);
}

// --- who owes --------------------------------------------------------------------------------------------------

TEST_CASE("request deadline: while the client owes its body, the peer's time does not run") {
  for (const Version version : kVersions) {
    for (const TrafficClass trafficClass : {TrafficClass::kControl, TrafficClass::kBulk}) {
      CAPTURE(http::toString(version));
      CAPTURE(toString(trafficClass));
      RequestWorld w;
      Wish wish = bulkBody("/echo", version);
      wish.trafficClass = trafficClass;
      Owner& owner = w.send(wish);
      owner.give("a part, ");
      w.run(seconds(1000));
      CHECK_FALSE(owner.story().over());
      owner.give("and the rest");
      owner.giveEnd();
      w.until([&] { return owner.story().over(); });
      CHECK(owner.story().body == "a part, and the rest");
    }
  }
}

TEST_CASE("request deadline: when the client has paid, the peer has its usual time and no more") {
  for (const TrafficClass trafficClass : {TrafficClass::kControl, TrafficClass::kBulk}) {
    CAPTURE(toString(trafficClass));
    RequestWorld w;
    Wish wish = bulkBody("/test");
    wish.trafficClass = trafficClass;
    Owner& owner = w.send(wish);
    w.run(seconds(1000));
    owner.give("body");
    owner.giveEnd();
    const Duration took = untilFailed(w, owner);
    CHECK(took > seconds(9));
    CHECK(took <= seconds(10));
    CHECK(owner.story().failure.party == Party::kPeer);
    checkOutcomes(w, {Outcome::kTimeout});
  }
}

TEST_CASE("request deadline: while the client does not read, the peer's time does not run") {
  for (const Version version : kVersions) {
    for (const TrafficClass trafficClass : {TrafficClass::kControl, TrafficClass::kBulk}) {
      CAPTURE(http::toString(version));
      CAPTURE(toString(trafficClass));
      RequestWorld w;
      Wish wish = bulk("/test", version);
      wish.trafficClass = trafficClass;
      Owner& owner = w.send(wish);
      owner.consumes = false;
      w.remote.last().begin(200, std::nullopt);
      w.remote.last().stream->sendData(Slice::copyOf("unread"));
      w.run(seconds(1000));
      CHECK_FALSE(owner.story().over());
      owner.consumes = true;
      owner.consume();
      const Duration took = untilFailed(w, owner);  // now it is the peer who owes the rest
      CHECK(took > seconds(9));
      CHECK(took <= seconds(10));
      CHECK(owner.story().failure.party == Party::kPeer);
    }
  }
}

// Stall and size at the generic preset's rate: 18 s. Both take 32 s, at their client's pace.
TEST_CASE(
    "request deadline: slow is not dead: a reader and a sender at a quarter of the least rate are not cut off") {
  constexpr size_t kPart = 256 * 1024;
  constexpr size_t kParts = 32;
  for (const Version version : kVersions) {
    for (const bool upload : {true, false}) {
      CAPTURE(http::toString(version));
      CAPTURE(upload);
      RequestWorld w;
      Wish wish = upload ? bulkBody("/test", version) : bulk("/test", version);
      if (upload) wish.contentLength = kPart * kParts;
      Owner& owner = w.send(wish);
      owner.consumes = false;
      const Slice part = Slice::copyOf(std::string(kPart, 'x'));
      if (!upload) {
        w.remote.last().begin(200, kPart * kParts);
        for (size_t i = 0; i < kParts; ++i)
          w.remote.last().stream->sendData(part);
        w.remote.last().stream->sendEnd();
      }
      for (size_t i = 0; i < kParts; ++i) {
        if (upload) {
          owner.give(part);
        } else {
          owner.consume();
        }
        w.run(seconds(1));
        REQUIRE_FALSE(owner.story().failed);
        if (!upload && i == kParts / 2) w.run(seconds(14));  // and a pause
      }
      if (upload) {
        owner.giveEnd();
        w.until([&] { return w.remote.last().ended; });
        w.remote.last().answer(200, "");
      }
      w.until([&] {
        owner.consume();
        return owner.story().over();
      });
      CHECK(owner.story().closed);
      CHECK(owner.story().status == 200);
    }
  }
}

TEST_CASE("request deadline: a client that pauses between a streamed answer's parts is not cut off") {
  RequestWorld w;
  Owner& owner = w.send(bulkBody("/test"));
  owner.give("one");
  w.remote.last().begin(200, std::nullopt);
  w.settle();
  REQUIRE(owner.request().state() == State::kAnswering);
  w.run(seconds(1000));
  CHECK_FALSE(owner.story().over());
  owner.give("two");
  owner.giveEnd();
  CHECK(untilFailed(w, owner) <= seconds(10));  // the peer owes the answer's end
}

TEST_CASE("request deadline: a client that waits for 100 (Continue) owes nothing") {
  for (const Version version : kVersions) {
    for (const bool continues : {false, true}) {
      CAPTURE(http::toString(version));
      CAPTURE(continues);
      RequestWorld w;
      Wish wish = bulkBody("/test", version);
      wish.trafficClass = TrafficClass::kControl;
      wish.headers.add("Expect", "100-Continue");
      Owner& owner = w.send(wish);
      if (continues) {
        w.remote.last().inform(100);
        w.run(seconds(1000));  // now the client owes
        CHECK_FALSE(owner.story().over());
        owner.give("body");
        owner.giveEnd();
        w.settle();
        w.remote.last().answer(200, "");
        w.until([&] { return owner.story().closed; });
      } else {
        CHECK(untilFailed(w, owner) <= seconds(10));
        CHECK(owner.story().failure.party == Party::kPeer);
        checkOutcomes(w, {Outcome::kTimeout});
      }
    }
  }
}

TEST_CASE("request deadline: between two bodies the peer owes the 100 that asks for the other one") {
  for (const bool asks : {false, true}) {
    CAPTURE(asks);
    RequestWorld w;
    Wish wish = bulkBody("/test", Version::kHttp11);
    wish.secondBody = true;
    wish.headers.add("Expect", "100-continue");
    wish.headers.add("X-Backend-Obj-Multiphase-Commit", "yes");
    Owner& owner = w.send(wish);
    w.remote.last().inform(100);
    w.settle();
    owner.give("first, ");
    w.run(seconds(1000));  // the client owes the end of its first body
    owner.giveBodyEnd();
    w.settle();
    CHECK(w.remote.last().body == "first, ");
    if (!asks) {
      CHECK(untilFailed(w, owner) <= seconds(10));
      CHECK(owner.story().failure.party == Party::kPeer);
      continue;
    }
    w.remote.last().inform(100);
    w.run(seconds(1000));  // the client owes its second one
    CHECK_FALSE(owner.story().over());
    owner.give("second");
    owner.giveEnd();
    w.settle();
    CHECK(w.remote.last().body == "first, second");
    w.remote.last().answer(201, "");
    w.until([&] { return owner.story().closed; });
    CHECK(owner.story().credit == 13);
    CHECK(w.remote.openConnections() == 0);
  }
}

namespace {

/// Answers the first request of a connection at once and completely, and reads nothing: an h2 server that does not ask its
/// client to stop sending, as ours does.
class EarlyServer : net::TransportEvents {
 public:
  EarlyServer(RequestWorld& w, const char* address)
      : listener(w.network, w.there, *SocketAddress::parse(address)),
        acceptor_(w.remoteLoop, listener, [this](std::unique_ptr<net::Transport> transport) {
          transport_ = std::move(transport);
          transport_->attach(*this);
          transport_->watch(net::ready::kWrite);
        }) {}
  peerpulse::test::MemoryListener listener;

 private:
  void onTransportReady(uint32_t) override {
    transport_->watch(0);
    // SETTINGS; HEADERS of stream 1: ":status: 200", END_STREAM, END_HEADERS (RFC 9113 6.5, 6.2).
    constexpr std::string_view kBytes("\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x05\0\0\0\x01\x88", 19);
    const iovec entry{const_cast<char*>(kBytes.data()), kBytes.size()};
    CHECK(transport_->write(&entry, 1).bytes == kBytes.size());
  }
  peerpulse::test::MemoryAcceptor acceptor_;
  std::unique_ptr<net::Transport> transport_;
};

}  // namespace

TEST_CASE("request deadline: after a complete answer none runs any more, whatever becomes of the request's rest") {
  RequestWorld w;
  EarlyServer server(w, "10.0.0.2:9001");
  PeerOptions options = *w.peerOptions();
  options.address = server.listener.address();
  w.peers.apply(PeerSet(2, {std::make_shared<const PeerOptions>(options)}));
  Wish wish = bulkBody("/test");
  wish.trafficClass = TrafficClass::kControl;
  wish.deadline = seconds(5);
  Owner& owner = w.ask(wish);
  owner.give("a part of the body");
  w.until([&] { return owner.request().state() == State::kAnswered; });
  w.run(seconds(1000));
  CHECK_FALSE(owner.story().over());
  CHECK(owner.story().events.ends_with("end"));
  owner.request().cancel();
}

// --- our own lateness ------------------------------------------------------------------------------------------

TEST_CASE("request deadline: what arrived while our loop was busy is read before a deadline is judged") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Owner& owner = w.send(control("/test", version));
    w.run(seconds(9));
    w.loop.block(w.time.now() + seconds(30));
    w.remote.last().answer(200, "in time, but unread");
    w.run(seconds(31));
    CHECK(owner.story().closed);
    checkOutcomes(w, {Outcome::kSuccess});
  }
}

TEST_CASE("request deadline: time in which our own loop was late is not the peer's") {
  RequestWorld w;
  Owner& owner = w.send(control("/test"));
  w.run(seconds(4));
  w.loop.block(w.time.now() + seconds(30));
  w.run(seconds(31));
  CHECK_FALSE(owner.story().over());
  w.remote.last().answer(200, "a little later");
  w.until([&] { return owner.story().over(); });
  CHECK(owner.story().closed);
}

TEST_CASE(
    "request deadline: a connect that succeeded while our loop was busy is followed by the request's own time") {
  RequestWorld w;
  Owner& owner = w.ask(control("/ok"));
  w.loop.block(w.time.now() + seconds(30));
  w.run(seconds(31));
  CHECK(owner.story().closed);
  CHECK(owner.story().status == 200);
}
