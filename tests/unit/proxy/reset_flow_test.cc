// Goal: what one side says of a stream's end the other side hears as it was said, after all that came before it; a gRPC
// deadline is the deadline's doing in whatever state the answer is; and a living answer is one, whatever its status.
// Method: a listener, its clients and a peer in memory.
#include "proxy_world.h"

using namespace peerpulse;
using namespace peerpulse::proxy;
using namespace peerpulse::proxy::test;
using http::ResetReason;

namespace {

constexpr bool kEither[] = {false, true};

/// All that a RST_STREAM can say but REFUSED_STREAM, which may be tried again.
constexpr ResetReason kSayings[] = {ResetReason::kNoError,           ResetReason::kCancel,
                                    ResetReason::kInternal,          ResetReason::kEnhanceYourCalm,
                                    ResetReason::kSaidProtocol,      ResetReason::kSaidFlowControl,
                                    ResetReason::kSaidStreamClosed,  ResetReason::kSaidSettingsTimeout,
                                    ResetReason::kSaidFrameSize,     ResetReason::kSaidCompression,
                                    ResetReason::kSaidConnect,       ResetReason::kSaidInadequateSecurity,
                                    ResetReason::kSaidHttp11Required};

http::HeaderList grpcHeaders(const char* timeout = nullptr) {
  http::HeaderList headers;
  headers.add("content-type", "application/grpc");
  if (timeout != nullptr) headers.add("grpc-timeout", timeout);
  return headers;
}

ProxyWorld::Configure presetThat(bool refuses) {
  return refuses ? ProxyWorld::Configure(ProxyWorld::refuses) : ProxyWorld::Configure();
}

/// A gRPC request that the peer has.
ClientRequest& called(ProxyWorld& w, TestClient& client, const http::HeaderList& headers) {
  const size_t before = w.remote.requests.size();
  ClientRequest& request = client.send("POST", "/svc/Method", "x", headers);
  w.until([&] { return w.remote.requests.size() > before; });
  return request;
}

void beginAnswer(ProxyWorld& w, const std::string& part) {
  w.remote.last().begin(200, std::nullopt);
  w.remote.last().stream->sendData(Slice::copyOf(part));
}

}  // namespace

TEST_CASE("reset flow: what the peer says an h2 client hears, and all that came before it") {
  for (const bool refuses : kEither) {
    for (const bool begun : kEither) {
      for (const ResetReason said : kSayings) {
        CAPTURE(refuses);
        CAPTURE(begun);
        CAPTURE(http::toString(said));
        ProxyWorld w(presetThat(refuses));
        ClientRequest& request = called(w, w.client(true), grpcHeaders());
        if (begun) {
          beginAnswer(w, "a part");
          w.remote.connections.front()->connection().flushNow();  // it arrives together with the reset
        }
        std::exchange(w.remote.last().stream, nullptr)->reset(said);
        w.until([&] { return request.done(); });
        CHECK(request.wasReset);
        CHECK((request.reset == said));
        CHECK(request.gotHead == begun);
        CHECK(request.body == (begun ? "a part" : ""));
      }
    }
  }
}

TEST_CASE("reset flow: to an h1 client it is an answer of ours, or a connection that breaks off") {
  ProxyWorld w([](ProxyOptions& options) { options.peers[0].protocol = upstream::Protocol::kHttp2; });
  ClientRequest& request = w.sent(w.client(false), "GET", "/test");
  std::exchange(w.remote.last().stream, nullptr)->reset(ResetReason::kInternal);
  w.until([&] { return request.done(); });
  CHECK(request.head.status == 502);
  ClientRequest& begun = w.sent(w.client(false), "GET", "/test");
  beginAnswer(w, "a part");
  w.settle();
  std::exchange(w.remote.last().stream, nullptr)->reset(ResetReason::kNoError);
  w.until([&] { return begun.done(); });
  CHECK(begun.wasReset);
  CHECK(begun.body == "a part");
}

TEST_CASE("reset flow: what an h2 client says the peer hears") {
  for (const ResetReason said : kSayings) {
    CAPTURE(http::toString(said));
    ProxyWorld w;
    ClientRequest& request = called(w, w.client(true), grpcHeaders());
    std::exchange(request.stream, nullptr)->reset(said);
    w.until([&] { return w.remote.last().gone; });
    CHECK((w.remote.last().reset == said));
    CHECK(w.outcomes.seen.empty());
  }
}

TEST_CASE("reset flow: a client whose peer's streams break often is not the one that breaks them") {
  ProxyWorld w;
  TestClient& client = w.client(true);
  for (int i = 0; i < 2000; ++i) {
    ClientRequest& request = called(w, client, grpcHeaders());
    std::exchange(w.remote.last().stream, nullptr)->reset(ResetReason::kSaidProtocol);
    w.until([&] { return request.done(); });
    REQUIRE((request.reset == ResetReason::kSaidProtocol));
    w.remote.requests.clear();
  }
  CHECK_FALSE(client.ended);
}

TEST_CASE("reset flow: a gRPC deadline that passes is status 4 before the answer, and a cancellation in it") {
  for (const bool refuses : kEither) {
    for (const bool begun : kEither) {
      CAPTURE(refuses);
      CAPTURE(begun);
      ProxyWorld w(presetThat(refuses));
      TestClient& client = w.client(true);
      const TimePoint before = w.time.now();
      ClientRequest& request = called(w, client, grpcHeaders("50m"));
      if (begun) beginAnswer(w, "a part");
      w.until([&] { return request.done(); });
      CHECK(w.time.now() - before > milliseconds(100));  // the client's own timer comes first
      CHECK(w.time.now() - before < milliseconds(500));
      if (begun || refuses) {
        CHECK(request.wasReset);
        CHECK((request.reset == ResetReason::kCancel));
        CHECK(request.body == (begun ? "a part" : ""));
      } else {
        CHECK(request.head.headers.find("grpc-status") == "4");
      }
      w.until([&] { return w.remote.last().gone; });
      CHECK(w.outcomes.seen.size() == (begun ? 1 : 0));
      CHECK(w.peerStats().failuresTotal.get() == 0);
    }
  }
}

TEST_CASE("reset flow: to a storage process no gRPC status is ever ours") {
  ProxyWorld w(ProxyWorld::refuses);
  http::HeaderList looped = grpcHeaders();
  looped.add("via", "2 peerpulse-test");
  ClientRequest& request = w.client(true).send("POST", "/svc/Method", "x", looped);
  w.until([&] { return request.done(); });
  CHECK(request.wasReset);
  CHECK_FALSE(request.gotHead);
}

TEST_CASE("reset flow: a peer whose gRPC status is 14 has answered") {
  for (const bool trailersOnly : kEither) {
    CAPTURE(trailersOnly);
    ProxyWorld w;
    TestClient& client = w.client(true);
    for (int i = 0; i < 5; ++i) {
      ClientRequest& request = called(w, client, grpcHeaders());
      http::HeaderList status;
      status.add("grpc-status", "14");
      if (trailersOnly) {
        http::ResponseHead head;
        head.status = 200;
        head.headers = status;
        w.remote.last().stream->sendHeaders(head, true);
      } else {
        w.remote.last().answer(200, "part", status);
      }
      w.until([&] { return request.done(); });
      CHECK(request.closed);
      CHECK((trailersOnly ? request.head.headers : request.trailers).find("grpc-status") == "14");
    }
    REQUIRE(w.outcomes.seen.size() == 5);
    for (const health::OutcomeRecord& record : w.outcomes.seen)
      CHECK((record.outcome == health::Outcome::kSuccess));
    CHECK(w.peerStats().failuresTotal.get() == 0);
  }
}
