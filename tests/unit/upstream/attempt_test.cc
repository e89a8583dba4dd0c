// Goal: an attempt goes every path of its state graph, tells its end once or not at all, and tells its connection what
// became of it.
// Method: attempts over a pool and a peer in memory.
#include "peerpulse/upstream/attempt.h"

#include <optional>

#include "pool_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;
using http::ResetReason;
using State = Attempt::State;

namespace {

constexpr Protocol kProtocols[] = {Protocol::kHttp1, Protocol::kHttp2};

/// Sends one request on its attempt and notes what it is told.
struct Caller : AttemptOwner {
  explicit Caller(std::string p = "/ok", std::string b = "") : body(std::move(b)) {
    head.method = body.empty() ? "GET" : "PUT";
    head.path = std::move(p);
    head.authority = "peer";
    head.complete = body.empty();
  }
  void onAttemptOpen(http::RequestStream& stream) override {
    reused = attempt.stream() == &stream;
    stream.sendHeaders(head, head.complete);
    if (!body.empty()) stream.sendData(Slice::copyOf(body));
    if (!body.empty() && ends) stream.sendEnd();
    note("open");
  }
  bool clientSilent() const override { return silent; }
  void onAttemptInformational(http::ResponseHead&& h) override { note(std::to_string(h.status)); }
  void onAttemptHead(http::ResponseHead&& h) override {
    status = h.status;
    note("head");
  }
  void onAttemptData(Slice data) override {
    attempt.stream()->consumed(data.size());
    received += data.view();
    note("data");
  }
  void onAttemptTrailers(http::HeaderList&&) override { note("trailers"); }
  void onAttemptEnd() override {
    CHECK(attempt.state() == State::kAnswered);
    note("end");
  }
  void onAttemptBodySent(size_t n) override {
    sent += n;
    note("sent");
  }
  void onAttemptClosed() override { over("closed"); }
  void onAttemptLost(const Loss& l) override {
    loss = l;
    detail = l.detail;
    over("lost");
  }
  void onNoConnection(PoolFailure f, const Error& e) override {
    failure = f;
    error = e.code;
    over("none");
  }
  void note(const std::string& what) {
    CHECK_FALSE(cancelled);
    if (!events.ends_with(what)) events += (events.empty() ? "" : " ") + what;
    if (what != cancelAt) return;
    cancelled = true;
    attempt.cancel(ResetReason::kCancel);
    CHECK(attempt.state() == State::kIdle);
  }
  void over(const std::string& what) {
    CHECK(attempt.state() == State::kIdle);
    CHECK(attempt.stream() == nullptr);
    ++ends_;
    note(what);
    if (whenOver) std::exchange(whenOver, nullptr)();
  }

  http::RequestHead head;
  std::string body, received, events, detail, cancelAt;
  bool ends = true, reused = false, cancelled = false, silent = false;
  int status = 0, error = 0, ends_ = 0;
  size_t sent = 0;
  Loss loss;
  std::optional<PoolFailure> failure;
  std::function<void()> whenOver;
  Attempt attempt{*this};
};

void begin(PoolWorld& w, Caller& caller, Protocol protocol) { caller.attempt.begin(*w.pool, protocol); }

void answered(PoolWorld& w, Protocol protocol) {  // leaves an idle connection behind
  Caller caller;
  begin(w, caller, protocol);
  w.until([&] { return caller.ends_ == 1; });
  w.settle();
}

Caller& onTheWire(PoolWorld& w, Caller& caller, Protocol protocol) {
  const size_t before = w.remote.requests.size();
  begin(w, caller, protocol);
  w.until([&] { return w.remote.requests.size() == before + 1; });
  return caller;
}

}  // namespace

// --- the graph -------------------------------------------------------------------------------------------------

TEST_CASE("attempt: waits, streams, is answered and closed") {
  for (const Protocol protocol : kProtocols) {
    CAPTURE(toString(protocol));
    PoolWorld w;
    Caller caller;
    CHECK(caller.attempt.state() == State::kIdle);
    begin(w, caller, protocol);
    CHECK(caller.attempt.state() == State::kWaiting);
    CHECK(caller.attempt.stream() == nullptr);
    w.until([&] { return caller.attempt.state() == State::kStreaming; });
    CHECK(caller.attempt.stream() != nullptr);
    w.until([&] { return caller.ends_ == 1; });
    CHECK(caller.events == "open head data end closed");
    CHECK(caller.received == "hello");
  }
}

TEST_CASE("attempt: with an idle connection it streams from inside begin()") {
  for (const Protocol protocol : kProtocols) {
    CAPTURE(toString(protocol));
    PoolWorld w;
    answered(w, protocol);
    Caller caller;
    begin(w, caller, protocol);
    CHECK(caller.attempt.state() == State::kStreaming);
    CHECK(caller.events == "open");
    CHECK(caller.reused);
    w.until([&] { return caller.ends_ == 1; });
    CHECK(w.remote.connections.size() == 1);
  }
}

TEST_CASE("attempt: everything that a response may have is told") {
  for (const Protocol protocol : kProtocols) {
    CAPTURE(toString(protocol));
    PoolWorld w;
    Caller caller("/test", "some body");
    onTheWire(w, caller, protocol);
    w.remote.last().inform(103);
    w.settle();
    CHECK(caller.events == "open sent 103");
    CHECK(caller.sent == 9);
    http::HeaderList trailers;
    trailers.add("checksum", "1");
    w.remote.last().answer(200, "answer", trailers);
    w.until([&] { return caller.ends_ == 1; });
    CHECK(caller.events == "open sent 103 head data trailers end closed");
  }
}

TEST_CASE("attempt: answered, it stays so until the other direction is over, too") {
  PoolWorld w;
  Caller caller("/tunnel");
  caller.head.upgrade = "test";
  onTheWire(w, caller, Protocol::kHttp1);
  w.remote.last().switchProtocols();
  w.settle();
  w.remote.last().stream->sendEnd();
  w.settle();
  CHECK(caller.events == "open head end");
  CHECK(caller.attempt.state() == State::kAnswered);
  SUBCASE("it ends, too") {
    caller.attempt.stream()->sendEnd();
    w.until([&] { return caller.ends_ == 1; });
    CHECK(caller.events == "open head end closed");
  }
  SUBCASE("the connection breaks: what it was sent may be lost, though the answer was complete") {
    w.remote.connections.front()->abort();
    w.settle();
    caller.attempt.stream()->sendData(Slice::copyOf("into the void"));
    w.until([&] { return caller.ends_ == 1; });
    CHECK(caller.events.ends_with("lost"));
    CHECK_FALSE(caller.loss.countsAsFailure);
  }
  SUBCASE("cancelled") {
    caller.attempt.cancel(ResetReason::kCancel);
    caller.cancelled = true;
    w.settle();
    CHECK(caller.ends_ == 0);
    CHECK(w.remote.last().gone);
  }
}

TEST_CASE("attempt: an early answer is complete, whatever becomes of the request's rest") {
  for (const Protocol protocol : kProtocols) {
    CAPTURE(toString(protocol));
    PoolWorld w;
    Caller caller("/early", "first part");
    caller.ends = false;
    onTheWire(w, caller, protocol);
    w.remote.last().answer(413, "too much");
    w.until([&] { return caller.ends_ == 1; });
    CHECK(caller.events == "open sent head data end closed");
    CHECK(caller.received == "too much");
    w.settle();
    CHECK(w.pool->connections() == (protocol == Protocol::kHttp2 ? 1 : 0));  // h1: nobody knows where the next begins
  }
}

TEST_CASE("attempt: no connection, and why") {
  PoolWorld w([](PoolOptions& o) { o.maxPending = 0; });
  Caller full;
  begin(w, full, Protocol::kHttp1);
  CHECK(full.events == "none");  // from inside begin()
  CHECK(*full.failure == PoolFailure::kOverflow);

  PoolWorld refusing;
  refusing.remote.listener.refuse();
  Caller refused;
  begin(refusing, refused, Protocol::kHttp2);
  CHECK(refused.events == "");
  refusing.until([&] { return refused.ends_ == 1; });
  CHECK(refused.events == "none");
  CHECK(*refused.failure == PoolFailure::kConnectFailed);
  CHECK(refused.error == ECONNREFUSED);
}

TEST_CASE("attempt: it may begin again from inside its end") {
  for (const Protocol protocol : kProtocols) {
    CAPTURE(toString(protocol));
    PoolWorld w;
    Caller caller("/hang");
    onTheWire(w, caller, protocol);
    caller.head.path = "/ok";
    caller.whenOver = [&] { begin(w, caller, protocol); };
    w.remote.connections.front()->abort();
    w.until([&] { return caller.ends_ == 2; });
    CHECK(caller.events == "open lost open head data end closed");
  }
  PoolWorld w;
  w.remote.listener.refuse();
  Caller caller;
  caller.whenOver = [&] {
    w.remote.listener.listen();
    begin(w, caller, Protocol::kHttp1);
  };
  begin(w, caller, Protocol::kHttp1);
  w.until([&] { return caller.ends_ == 2; });
  CHECK(caller.events == "none open head data end closed");
}

// --- cancel ----------------------------------------------------------------------------------------------------

TEST_CASE("attempt: cancelled while it waits, it leaves the pool") {
  for (const bool destroyed : {false, true}) {
    CAPTURE(destroyed);
    PoolWorld w;
    std::optional<Caller> caller(std::in_place);
    begin(w, *caller, Protocol::kHttp1);
    CHECK(w.pool->waiting() == 1);
    if (destroyed) {
      caller.reset();
    } else {
      caller->attempt.cancel(ResetReason::kCancel);
      CHECK(caller->attempt.state() == State::kIdle);
    }
    CHECK(w.pool->waiting() == 0);
    w.settle();
    CHECK(w.remote.requests.empty());
    if (caller) CHECK(caller->events == "");
    CHECK(w.idle() == 1);  // the connection serves the next one
  }
}

TEST_CASE("attempt: cancelled while it streams, it takes its stream along") {
  for (const Protocol protocol : kProtocols) {
    for (const bool destroyed : {false, true}) {
      CAPTURE(toString(protocol));
      CAPTURE(destroyed);
      PoolWorld w;
      std::optional<Caller> caller("/hang");
      onTheWire(w, *caller, protocol);
      if (destroyed) {
        caller.reset();
      } else {
        caller->attempt.cancel(ResetReason::kCancel);
        caller->cancelled = true;
      }
      w.settle();
      CHECK(w.remote.last().gone);
      if (protocol == Protocol::kHttp2) {
        CHECK(w.remote.last().reset == ResetReason::kCancel);
        CHECK(w.pool->connections() == 1);
      } else {  // a FIN would be a half-close, and the peer would go on working for nobody
        CHECK(w.remote.connections.front()->closeCode == ECONNRESET);
        CHECK(w.pool->connections() == 0);
      }
    }
  }
}

TEST_CASE("attempt: cancelled when there is nothing, or twice: nothing") {
  PoolWorld w;
  Caller caller;
  caller.attempt.cancel(ResetReason::kCancel);
  begin(w, caller, Protocol::kHttp1);
  caller.attempt.cancel(ResetReason::kCancel);
  caller.attempt.cancel(ResetReason::kCancel);
  begin(w, caller, Protocol::kHttp1);
  w.until([&] { return caller.ends_ == 1; });
  CHECK(caller.events == "open head data end closed");
}

TEST_CASE("attempt: cancelled from inside any callback, nothing follows") {
  for (const Protocol protocol : kProtocols) {
    for (const char* at : {"open", "sent", "103", "head", "data", "trailers", "end"}) {
      CAPTURE(toString(protocol));
      CAPTURE(at);
      PoolWorld w;
      Caller caller("/test", "some body");
      caller.cancelAt = at;
      w.remote.onRequest = [](ServedRequest& request) {
        if (request.head.path != "/test") return;
        request.inform(103);
        http::HeaderList trailers;
        trailers.add("checksum", "1");
        request.answer(200, "answer", trailers);
      };
      begin(w, caller, protocol);
      w.run(milliseconds(10));
      CHECK(caller.cancelled);
      CHECK(caller.events.ends_with(at));
      CHECK(caller.ends_ == 0);
      CHECK(w.pool->waiting() == 0);
      answered(w, protocol);  // and the pool works on
    }
  }
}

// --- loss ------------------------------------------------------------------------------------------------------

TEST_CASE("attempt: lost with its connection, it says what is known of that") {
  for (const Protocol protocol : kProtocols) {
    for (const bool reused : {false, true}) {
      CAPTURE(toString(protocol));
      CAPTURE(reused);
      PoolWorld w;
      if (reused) answered(w, protocol);
      Caller caller("/hang");
      onTheWire(w, caller, protocol);
      w.remote.connections.front()->abort();
      w.until([&] { return caller.ends_ == 1; });
      CHECK(caller.events == "open lost");
      CHECK(caller.loss.reason == ResetReason::kConnectionClosed);
      CHECK(caller.loss.connectionReused == reused);
      CHECK_FALSE(caller.loss.connectionEnding);
      CHECK(caller.loss.countsAsFailure);
      CHECK_FALSE(caller.detail.empty());
      CHECK(w.pool->connections() == 0);
    }
  }
}

TEST_CASE("attempt: of the streams that one broken connection takes with it, one counts") {
  PoolWorld w;
  Caller first("/hang"), second("/hang"), third("/hang");
  for (Caller* caller : {&first, &second, &third})
    onTheWire(w, *caller, Protocol::kHttp2);
  w.remote.connections.front()->abort();
  w.until([&] { return first.ends_ + second.ends_ + third.ends_ == 3; });
  CHECK(int{first.loss.countsAsFailure} + int{second.loss.countsAsFailure} + int{third.loss.countsAsFailure} == 1);
}

TEST_CASE("attempt: streams that are reset one by one count each") {
  PoolWorld w;
  Caller first("/hang"), second("/hang");
  onTheWire(w, first, Protocol::kHttp2);
  onTheWire(w, second, Protocol::kHttp2);
  for (const auto& request : w.remote.requests)
    std::exchange(request->stream, nullptr)->reset(ResetReason::kInternal);
  w.until([&] { return first.ends_ + second.ends_ == 2; });
  CHECK(first.loss.reason == ResetReason::kInternal);
  CHECK(first.loss.countsAsFailure);
  CHECK(second.loss.countsAsFailure);
}

TEST_CASE("attempt: a peer that gives up for its client's silence has not failed, nor has the connection") {
  PoolWorld w;
  for (int i = 0; i < 5; ++i) {
    Caller caller("/hang", "a part");
    caller.ends = false;
    caller.silent = true;
    onTheWire(w, caller, Protocol::kHttp2);
    std::exchange(w.remote.last().stream, nullptr)->reset(ResetReason::kCancel);
    w.until([&] { return caller.ends_ == 1; });
    CHECK(caller.loss.party == Party::kClient);
    CHECK_FALSE(caller.loss.countsAsFailure);
    w.settle();
  }
  CHECK(w.remote.connections.size() == 1);
  CHECK(w.peerStats().evictionsTotal.get() == 0);
}

TEST_CASE("attempt: a connection that is reset is the peer's doing, whoever was silent") {
  for (const Protocol protocol : kProtocols) {
    CAPTURE(toString(protocol));
    PoolWorld w;
    Caller caller("/hang", "a part");
    caller.ends = false;
    caller.silent = true;
    onTheWire(w, caller, protocol);
    w.remote.connections.front()->abort();
    w.until([&] { return caller.ends_ == 1; });
    CHECK(caller.loss.party == Party::kPeer);
    CHECK(caller.loss.countsAsFailure);
  }
}

TEST_CASE("attempt: a refused stream is no failure") {
  PoolWorld w;
  Caller caller("/refuse-once");
  begin(w, caller, Protocol::kHttp2);
  w.until([&] { return caller.ends_ == 1; });
  CHECK(caller.loss.reason == ResetReason::kRefused);
  CHECK_FALSE(caller.loss.countsAsFailure);
  CHECK_FALSE(caller.loss.connectionEnding);
}

TEST_CASE("attempt: what GOAWAY leaves out is refused, on a connection that ends") {
  PoolWorld w;
  answered(w, Protocol::kHttp2);
  w.remote.connections.front()->goAway();
  Caller caller("/hang");  // crosses the GOAWAY
  begin(w, caller, Protocol::kHttp2);
  w.until([&] { return caller.ends_ == 1; });
  CHECK(caller.events == "open lost");
  CHECK(caller.loss.reason == ResetReason::kRefused);
  CHECK(caller.loss.connectionEnding);
  CHECK(caller.loss.connectionReused);
}

TEST_CASE("attempt: a response that is no HTTP is the peer's fault") {
  PoolWorld w;
  Caller caller("/hang");
  onTheWire(w, caller, Protocol::kHttp1);
  w.remote.connections.front()->say("HTTP/1.1 banana\r\n\r\n");
  w.until([&] { return caller.ends_ == 1; });
  CHECK(caller.loss.reason == ResetReason::kProtocol);
  CHECK(caller.loss.countsAsFailure);
  CHECK(w.pool->connections() == 0);
}

TEST_CASE("attempt: a response that breaks off is lost after its beginning") {
  for (const Protocol protocol : kProtocols) {
    CAPTURE(toString(protocol));
    PoolWorld w;
    Caller caller("/test");
    onTheWire(w, caller, protocol);
    w.remote.last().begin(200, 1000);
    w.remote.last().stream->sendData(Slice::copyOf("half"));
    w.settle();
    w.remote.connections.front()->abort();
    w.until([&] { return caller.ends_ == 1; });
    CHECK(caller.events == "open head data lost");
    CHECK(caller.loss.reason == ResetReason::kConnectionClosed);
  }
}

// --- what its connection learns --------------------------------------------------------------------------------

TEST_CASE("attempt: three failures in a row end their connection's use, and successes between them do not") {
  PoolWorld w;
  const auto failOne = [&] {
    Caller caller("/hang");
    onTheWire(w, caller, Protocol::kHttp2);
    std::exchange(w.remote.last().stream, nullptr)->reset(ResetReason::kInternal);
    w.until([&] { return caller.ends_ == 1; });
    w.settle();
  };
  failOne();
  failOne();
  answered(w, Protocol::kHttp2);
  failOne();
  failOne();
  CHECK(w.remote.connections.size() == 1);
  CHECK(w.peerStats().evictionsTotal.get() == 0);
  failOne();
  CHECK(w.peerStats().evictionsTotal.get() == 1);
  CHECK(w.pool->connections() == 0);
  answered(w, Protocol::kHttp2);
  CHECK(w.remote.connections.size() == 2);
}

TEST_CASE("attempt: deadlines that the peer let pass are failures of the connection, too") {
  PoolWorld w;
  for (int i = 0; i < 3; ++i) {
    Caller caller("/hang");
    onTheWire(w, caller, Protocol::kHttp2);
    caller.attempt.onPeerLate();
    caller.attempt.cancel(ResetReason::kCancel);
    caller.cancelled = true;
    w.settle();
  }
  CHECK(w.peerStats().evictionsTotal.get() == 1);
  CHECK(w.pool->connections() == 0);
  Caller waiting;
  waiting.attempt.onPeerLate();  // no connection, nothing to note
}

TEST_CASE("attempt: being cancelled by its owner is no failure of the connection") {
  PoolWorld w;
  for (int i = 0; i < 5; ++i) {
    Caller caller("/hang");
    onTheWire(w, caller, Protocol::kHttp2);
    caller.attempt.cancel(ResetReason::kCancel);
    caller.cancelled = true;
    w.settle();
  }
  CHECK(w.remote.connections.size() == 1);
  CHECK(w.pool->connections() == 1);
}
