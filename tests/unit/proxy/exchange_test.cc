// Goal: a client gets its peer's answer, or ours that says whose fault it was; and what an exchange leaves behind tells the
// truth about who ended it.
// Method: a listener, its clients and a peer in memory.
#include "log_capture.h"
#include "proxy_world.h"

using namespace peerpulse;
using namespace peerpulse::proxy;
using namespace peerpulse::proxy::test;
using health::CircuitState;
using health::Verdict;
using http::ResetReason;
using stats::UploadFailure;

namespace {

constexpr bool kBoth[] = {false, true};

std::string_view proxyStatus(const ClientRequest& request) { return request.head.headers.find("proxy-status"); }

bool says(const ClientRequest& request, std::string_view error) {
  return proxyStatus(request).find("error=" + std::string(error)) != std::string_view::npos;
}

void logs(ProxyOptions& options) { options.accessLog.mode = AccessLogOptions::Mode::kAll; }

void refusesAndLogs(ProxyOptions& options) {
  ProxyWorld::refuses(options);
  logs(options);
}

}  // namespace

// --- what passes -----------------------------------------------------------------------------------------------

TEST_CASE("exchange: everything a response may have passes") {
  for (const bool http2 : kBoth) {
    CAPTURE(http2);
    ProxyWorld w;
    ClientRequest& request = w.sent(w.client(http2), "PUT", "/test", "a body");
    w.remote.last().inform(103);
    http::HeaderList trailers;
    trailers.add("x-checksum", "1");
    w.remote.last().answer(207, "answer", trailers);
    w.until([&] { return request.done(); });
    CHECK(request.closed);
    CHECK(request.head.status == 207);
    CHECK(request.body == "answer");
    CHECK(request.trailers.find("x-checksum") == "1");
    CHECK(w.remote.last().body == "a body");
    CHECK(w.peerStats().bytesToPeer.get() == 6);
    CHECK(w.peerStats().bytesFromPeer.get() == 6);
    CHECK(w.peerStats().inFlight.get() == 0);
    CHECK(w.peerStats().requestsTotal.get() == 1);
    CHECK(w.peerStats().failuresTotal.get() == 0);
  }
}

TEST_CASE("exchange: a tunnel carries both ways, and each way ends apart") {
  ProxyWorld w;
  TestClient& client = w.client(false);
  ClientRequest& request = w.tunnel(client);
  CHECK(request.head.status == 101);
  request.stream->sendData(Slice::copyOf("up"));
  w.remote.last().stream->sendData(Slice::copyOf("down"));
  w.run(seconds(3600));  // it may be silent
  w.sweep();
  CHECK(w.remote.last().body == "up");
  CHECK(request.body == "down");
  request.stream->sendEnd();
  w.settle();
  CHECK(w.remote.last().ended);
  CHECK_FALSE(request.done());
  w.remote.last().stream->sendData(Slice::copyOf(", late"));
  w.remote.last().stream->sendEnd();
  w.until([&] { return request.done(); });
  CHECK(request.closed);
  CHECK(request.body == "down, late");
}

TEST_CASE("exchange: a tunnel that the peer ends first takes what the client says last, and its end") {
  ProxyWorld w;
  TestClient& client = w.client(false);
  ClientRequest& request = w.tunnel(client);
  w.remote.last().stream->sendEnd();
  w.settle();
  CHECK_FALSE(request.done());
  // In one go, so that nothing is out when both ways have ended.
  const std::string rest(200'000, 'r');
  request.stream->sendData(Slice::copyOf(rest));
  request.stream->sendEnd();
  w.until([&] { return w.remote.last().closed || w.remote.last().gone; });
  CHECK(w.remote.last().closed);
  CHECK((w.remote.last().body == rest));
  w.until([&] { return w.remote.openConnections() == 0; });
}

TEST_CASE(
    "exchange: a tunnel that the peer ends first and then breaks is broken at the client, also one that sends much") {
  for (const size_t size : {size_t{4}, size_t{1} << 20}) {
    CAPTURE(size);
    ProxyWorld w;
    TestClient& client = w.client(false);
    ClientRequest& request = w.tunnel(client);
    w.remote.last().takes = false;
    request.stream->sendData(Slice::copyOf(std::string(size, 'r')));
    w.settle();
    w.remote.last().stream->sendEnd();
    w.settle();
    CHECK_FALSE(request.done());
    w.remote.connections.front()->abort();
    w.settle();
    // A half-closed connection meets a reset when it writes: ours first, then the client's.
    for (int n = 0; n < 2 && !request.done(); ++n) {
      request.stream->sendData(Slice::copyOf("into the void"));
      w.settle();
    }
    CHECK(request.done());
    CHECK_FALSE(request.closed);
    CHECK(w.peerStats().inFlight.get() == 0);
    CHECK(w.listener->connections() == 0);
  }
}

TEST_CASE("exchange: a tunnel whose client has vanished ends at its peer, whether a FIN or a reset says so") {
  for (const bool reset : kBoth) {
    CAPTURE(reset);
    ProxyWorld w;
    TestClient& client = w.client(false);
    w.tunnel(client);
    if (reset) {
      client.connection().abort("gone");
    } else {
      client.connection().close("gone");
      w.until([&] { return w.remote.last().ended; });  // the half-close is passed on
      for (int i = 0; i < 2; ++i) {                    // the first is answered by a reset, the second meets it
        w.remote.last().stream->sendData(Slice::copyOf("anybody?"));
        w.settle();
      }
    }
    w.until([&] { return w.peerStats().inFlight.get() == 0; });
    if (reset) w.until([&] { return w.remote.last().gone; });
    w.settle();
    CHECK(w.listener->connections() == 0);
    CHECK(w.context->peers.find(kPeer)->connections() == 0);
  }
}

TEST_CASE("exchange: a request says that it was here, and one that was goes no further") {
  for (const bool http2 : kBoth) {
    for (const bool refuses : kBoth) {
      CAPTURE(http2);
      CAPTURE(refuses);
      ProxyWorld w(refuses ? ProxyWorld::Configure(ProxyWorld::refuses) : ProxyWorld::Configure());
      TestClient& client = w.client(http2);
      http::HeaderList headers;
      headers.add("via", "1.1 other");
      ClientRequest& first = client.send("GET", "/ok", "", headers);
      w.until([&] { return first.done(); });
      CHECK(first.head.status == 200);
      const http::HeaderList& seen = w.remote.last().head.headers;
      REQUIRE(seen.count() >= 2);
      CHECK(seen.at(seen.count() - 1).name == "via");
      CHECK(seen.at(seen.count() - 1).value == (http2 ? "2 peerpulse-test" : "1.1 peerpulse-test"));
      CHECK(seen.find("via") == "1.1 other");
      headers.add("via", "1.1 peerpulse-test");
      ClientRequest& again = client.send("GET", "/ok", "", headers);
      w.until([&] { return again.done(); });
      CHECK(again.head.status == 502);
      CHECK(says(again, "proxy_loop_detected"));
      CHECK(w.remote.requests.size() == 1);
      CHECK(w.outcomes.seen.size() == 1);
      CHECK(w.peerStats().failuresTotal.get() == 0);
      CHECK(w.failedBy("self") == 1);
    }
  }
}

TEST_CASE("exchange: on its way to the own store it has another name in Via: the store may pass it on to a peer") {
  ProxyWorld w([](ProxyOptions& options) { options.peers[0].role = Role::kStore; });
  TestClient& client = w.client(true);
  http::HeaderList headers;
  headers.add("via", "1.1 peerpulse-test");
  ClientRequest& first = client.send("GET", "/ok", "", headers);
  w.until([&] { return first.done(); });
  CHECK(first.head.status == 200);
  const http::HeaderList& seen = w.remote.last().head.headers;
  CHECK(seen.at(seen.count() - 1).value == "2 peerpulse-store");
  headers.add("via", "2 peerpulse-store");
  ClientRequest& again = client.send("GET", "/ok", "", headers);
  w.until([&] { return again.done(); });
  CHECK(says(again, "proxy_loop_detected"));
  CHECK(w.remote.requests.size() == 1);
}

TEST_CASE("exchange: a client that vanishes with many streams takes all their requests with it") {
  for (const bool reset : kBoth) {
    CAPTURE(reset);
    ProxyWorld w;
    TestClient& client = w.client(true);
    ClientRequest& first = client.send("GET", "/ok");  // with its answer come the server's SETTINGS
    w.until([&] { return first.done(); });
    for (int i = 0; i < 40; ++i) {
      client.send("GET", "/half");
      client.send("GET", "/hang");
      client.send("GET", "/refuse");
    }
    w.until([&] { return w.remote.requests.size() >= 121; });
    if (reset) {
      client.connection().abort("gone");
    } else {
      client.connection().close("gone");
    }
    // What answers come meanwhile have no reader.
    for (const auto& request : w.remote.requests) {
      if (request->stream != nullptr && request->head.path == "/hang") request->answer(200, "late");
    }
    w.until([&] { return w.peerStats().inFlight.get() == 0; });
    w.until([&] { return w.listener->connections() == 0; });
    for (const health::OutcomeRecord& record : w.outcomes.seen)
      CHECK(record.outcome == health::Outcome::kSuccess);
  }
}

TEST_CASE("exchange: a peer that does not take what a tunnel's client said last keeps no connection for it") {
  ProxyWorld w;
  w.remote.limits.streamWindow = 16 * 1024;
  TestClient& client = w.client(false);
  ClientRequest& request = w.tunnel(client);
  w.remote.last().takes = false;
  w.remote.last().stream->sendEnd();
  w.settle();
  request.stream->sendData(Slice::copyOf(std::string(450'000, 'r')));
  request.stream->sendEnd();
  w.until([&] { return w.listener->connections() == 0; });
  upstream::Peer& peer = *w.context->peers.find(kPeer);
  CHECK(peer.connections() == 1);  // it may still be taken
  for (int i = 0; i < 40 && peer.connections() > 0; ++i) {
    w.run(seconds(1));
    peer.sweep(w.context->now());
  }
  CHECK(peer.connections() == 0);
}

TEST_CASE("exchange: a peer that goes on refusing streams is heard by the client, who may try again") {
  for (const bool refuses : kBoth) {
    CAPTURE(refuses);
    ProxyWorld w(refuses ? ProxyWorld::Configure(ProxyWorld::refuses) : ProxyWorld::Configure());
    TestClient& client = w.client(true);
    ClientRequest& request = client.send("GET", "/refuse");
    w.until([&] { return request.done(); });
    CHECK(request.wasReset);
    CHECK(request.reset == http::ResetReason::kRefused);
    CHECK_FALSE(request.gotHead);
    CHECK(w.remote.requests.size() > 1);  // our own retries come first
    CHECK(w.outcomes.seen.empty());
    ClientRequest& next = client.send("GET", "/ok");
    w.until([&] { return next.done(); });
    CHECK(next.head.status == 200);
  }
}

TEST_CASE("exchange: a client that does not read holds up its peer, not our memory") {
  for (const bool http2 : kBoth) {
    CAPTURE(http2);
    ProxyWorld w;
    TestClient& client = w.client(http2);
    ClientRequest& request = w.sent(client, "GET", "/test");
    request.gives = false;
    w.remote.last().answer(200, std::string(20'000'000, 'x'));
    w.run(seconds(1));
    CHECK(request.body.size() < 3'000'000);
    const uint64_t taken = request.body.size();
    w.run(seconds(5));
    CHECK(request.body.size() == taken);
    request.gives = true;
    request.stream->consumed(request.body.size());
    w.until([&] { return request.done(); });
    CHECK(request.closed);
    CHECK(request.body.size() == 20'000'000);
  }
}

TEST_CASE("exchange: an early answer reaches the client, and the rest of its request nobody") {
  for (const bool http2 : kBoth) {
    CAPTURE(http2);
    ProxyWorld w;
    TestClient& client = w.client(http2);
    ClientRequest& request = client.open("PUT", "/bulk");
    w.until([&] { return w.remote.requests.size() == 1; });
    request.stream->sendData(Slice::copyOf("a part"));
    w.settle();
    w.remote.last().answer(413, "too large");
    w.until([&] { return request.done(); });
    CHECK(request.head.status == 413);
    CHECK(request.body == "too large");
    w.settle();
    CHECK(w.peerStats().inFlight.get() == 0);
    CHECK(w.uploadsFailed(UploadFailure::kPeerError) == 1);
  }
}

// --- who ended it ----------------------------------------------------------------------------------------------

TEST_CASE("exchange: a client that goes away is told of as such, and counts against nobody") {
  for (const bool http2 : kBoth) {
    CAPTURE(http2);
    LogCapture log;
    {
      ProxyWorld w(logs);
      TestClient& client = w.client(http2);
      w.sent(client, "PUT", "/bulk/hang", "a body");
      client.connection().abort("gone");
      w.settle();
      CHECK(w.remote.last().gone);
      CHECK(w.uploadsFailed(UploadFailure::kClientAborted) == 1);
      CHECK(w.peerStats().failuresTotal.get() == 0);
      CHECK(w.outcomes.seen.empty());
    }
    const auto lines = log.lines();
    REQUIRE(lines.size() == 1);
    CHECK(has(lines[0], "\"client_aborted\":true"));
    CHECK_FALSE(has(lines[0], "\"error\""));
  }
}

TEST_CASE("exchange: what comes from the peer in the turn in which its client has gone reaches nobody") {
  ProxyWorld w;
  TestClient& client = w.client(true);
  ClientRequest& request = w.sent(client, "GET", "/test");
  w.remote.last().begin(200, std::nullopt);
  w.settle();
  w.loop.block(w.time.now() + milliseconds(10));
  std::exchange(request.stream, nullptr)->reset(ResetReason::kCancel);
  w.settle();
  w.remote.last().stream->sendData(Slice::copyOf("too late"));
  w.run(milliseconds(10));  // both are read in one turn
  CHECK(w.peerStats().inFlight.get() == 0);
  CHECK(w.remote.last().gone);
  CHECK(w.peerStats().bytesFromPeer.get() == 0);
}

TEST_CASE("exchange: what we cut is told of as cut by us") {
  for (const bool http2 : kBoth) {
    for (const bool processEnds : kBoth) {
      CAPTURE(http2);
      CAPTURE(processEnds);
      LogCapture log;
      {
        ProxyWorld w(refusesAndLogs);
        TestClient& client = w.client(http2);
        ClientRequest& request = w.sent(client, "PUT", "/bulk/hang", "a body");
        if (processEnds) {
          w.listener->abortAll();
        } else {
          w.die();
        }
        w.settle();
        CHECK(request.wasReset);
        CHECK(client.closeCode == ECONNRESET);
        CHECK(w.uploadsFailed(UploadFailure::kClientAborted) == 0);
        CHECK(w.uploadsFailed(processEnds ? UploadFailure::kLocalLimit : UploadFailure::kCircuitOpen) == 1);
        CHECK(w.peerStats().failuresTotal.get() == 0);
        CHECK(w.peerStats().fastFailuresTotal.get() == (processEnds ? 0 : 1));
      }
      const auto lines = log.lines();
      REQUIRE(lines.size() == 1);
      CHECK_FALSE(has(lines[0], "client_aborted"));
      CHECK(has(lines[0], "\"party\":\"self\""));
      CHECK(has(lines[0],
                processEnds ? "\"error\":\"connection_terminated\"" : "\"error\":\"destination_unavailable\""));
      CHECK(has(lines[0], processEnds ? "the process ends" : "verdict dead"));
      CHECK(has(lines[0], "\"status\":0"));
    }
  }
}

TEST_CASE("exchange: a client's deadline is the client's, a peer's silence the peer's") {
  LogCapture log;
  {
    ProxyWorld w(logs);
    TestClient& client = w.client(true);
    http::HeaderList grpc;
    grpc.add("content-type", "application/grpc");
    grpc.add("grpc-timeout", "50m");
    ClientRequest& impatient = client.send("POST", "/hang", "x", grpc);
    w.until([&] { return impatient.done(); });
    CHECK(impatient.head.headers.find("grpc-status") == "4");
    CHECK(w.outcomes.seen.empty());
    ClientRequest& patient = client.send("GET", "/hang");
    w.until([&] { return patient.done(); });
    CHECK(patient.head.status == 504);
    CHECK(says(patient, "http_response_timeout"));
    CHECK(w.outcomes.seen.size() == 1);
    CHECK(w.peerStats().failuresTotal.get() == 1);
    w.settle();
  }
  const auto lines = log.lines();
  REQUIRE(lines.size() == 2);
  CHECK(has(lines[0], "\"party\":\"client\""));
  CHECK(has(lines[1], "\"party\":\"peer\""));
}

// --- failures as the client sees them --------------------------------------------------------------------------

TEST_CASE("exchange: an answer in part is reset, never ended cleanly") {
  for (const bool http2 : kBoth) {
    CAPTURE(http2);
    ProxyWorld w;
    TestClient& client = w.client(http2);
    ClientRequest& request = w.sent(client, "GET", "/test");
    w.remote.last().begin(200, 1000);
    w.remote.last().stream->sendData(Slice::copyOf("half"));
    w.settle();
    w.remote.connections.front()->abort();
    w.until([&] { return request.done(); });
    CHECK(request.wasReset);
    CHECK_FALSE(request.ended);
    if (http2) {
      CHECK(request.reset == ResetReason::kInternal);
      CHECK_FALSE(client.ended);  // only the stream
    } else {
      CHECK(client.closeCode == ECONNRESET);
    }
  }
}

TEST_CASE("exchange: to a storage process a failure looks as it would without us") {
  for (const bool http2 : kBoth) {
    for (const bool seen : kBoth) {
      CAPTURE(http2);
      CAPTURE(seen);
      ProxyWorld w(ProxyWorld::refuses);
      TestClient& client = w.client(http2);
      if (!seen) w.remote.listener.refuse();
      ClientRequest& request = client.send("PUT", "/hang", "body");
      if (seen) {
        w.until([&] { return w.remote.requests.size() == 1; });
        w.remote.connections.front()->abort();
      }
      w.until([&] { return request.done(); });
      CHECK(request.wasReset);
      CHECK_FALSE(request.gotHead);
      if (http2) {  // REFUSED_STREAM would say: not processed, send it again
        CHECK(request.reset == (seen ? ResetReason::kInternal : ResetReason::kRefused));
      } else {
        CHECK(client.closeCode == ECONNRESET);
      }
    }
  }
}

TEST_CASE("exchange: a request that is none has an answer even from a storage process's listener") {
  for (const auto& configure : {ProxyWorld::Configure(), ProxyWorld::Configure(ProxyWorld::refuses)}) {
    ProxyWorld w(configure);
    RawClient& client = w.rawClient();
    client.say("GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n");
    w.until([&] { return client.over(); });
    CHECK(client.heard.starts_with("HTTP/1.1 400 "));
    CHECK(client.heard.find("http_request_error") != std::string::npos);
    CHECK(client.error == 0);
    CHECK(w.remote.connections.empty());
    CHECK(w.outcomes.seen.empty());
    CHECK(w.peerStats().failuresTotal.get() == 0);
  }
}

TEST_CASE("exchange: a client that goes on sending to a request that failed is read to its end") {
  for (const bool http2 : kBoth) {
    CAPTURE(http2);
    ProxyWorld w;
    TestClient& client = w.client(http2);
    ClientRequest& request = client.send("PUT", "/hold", std::string(3'000'000, 'x'));
    w.until([&] { return w.remote.requests.size() == 1; });
    w.run(seconds(1));  // what fits is on its way, the rest waits for credit
    w.die();
    w.until([&] { return request.done(); });
    CHECK(request.head.status == 503);
    CHECK(request.closed);
  }
}

TEST_CASE("exchange: failures have the names and statuses of RFC 9209") {
  for (const bool http2 : kBoth) {
    CAPTURE(http2);
    ProxyWorld w([](ProxyOptions& o) { o.pool.maxPending = 1; });
    TestClient& client = w.client(http2);
    w.network.cutBothWays(w.here, w.there, true);
    ClientRequest& timedOut = client.send("GET", "/ok");
    w.until([&] { return timedOut.done(); });
    CHECK(timedOut.head.status == 504);
    CHECK(says(timedOut, "connection_timeout"));
    w.network.cutBothWays(w.here, w.there, false);
    w.remote.listener.refuse();
    ClientRequest& refused = client.send("GET", "/ok");
    w.until([&] { return refused.done(); });
    CHECK(refused.head.status == 502);
    CHECK(says(refused, "connection_refused"));
    w.network.failConnects(w.here, EMFILE);
    ClientRequest& ours = client.send("GET", "/ok");
    w.until([&] { return ours.done(); });
    CHECK(ours.head.status == 503);
    CHECK(says(ours, "connection_limit_reached"));
    CHECK(w.outcomes.seen.size() == 2);  // not the one of our own host
  }
}

// --- configuration ---------------------------------------------------------------------------------------------

TEST_CASE("exchange: when its peer has been removed it is answered 503, under way or new") {
  for (const bool http2 : kBoth) {
    CAPTURE(http2);
    ProxyWorld w;
    TestClient& client = w.client(http2);
    ClientRequest& underWay = w.sent(client, "GET", "/hang");
    w.apply([](ProxyOptions& o) { o.peers.clear(); });
    w.until([&] { return underWay.done(); });
    CHECK(underWay.head.status == 503);
    CHECK(says(underWay, "destination_unavailable"));
    CHECK(w.listener->peer() == nullptr);
    TestClient& another = w.client(http2);
    ClientRequest& late = another.send("GET", "/ok");
    w.until([&] { return late.done(); });
    CHECK(late.head.status == 503);
    CHECK(w.peerStats().failuresTotal.get() == 0);
    CHECK(w.outcomes.seen.empty());
    w.settle();
    CHECK(w.network.openEnds(w.there) == 0);
  }
}

TEST_CASE("exchange: it keeps the configuration that it began with") {
  ProxyWorld w([](ProxyOptions& o) { o.timeouts[0].request = seconds(8); });
  TestClient& client = w.client(true);
  ClientRequest& old = w.sent(client, "GET", "/hang");
  w.run(seconds(1));
  w.apply([](ProxyOptions& o) { o.timeouts[0].request = seconds(2); });
  ClientRequest& young = w.sent(client, "GET", "/hang");
  const TimePoint start = w.time.now();
  w.until([&] { return young.done(); });
  CHECK(w.time.now() - start <= seconds(2) + milliseconds(1));
  CHECK_FALSE(old.done());
  w.until([&] { return old.done(); });
  CHECK(w.time.now() - start >= seconds(6));
}

TEST_CASE("exchange: its route is that of the configuration that it began with, however many there are now") {
  LogCapture log;
  {
    ProxyWorld w(logs);
    TestClient& client = w.client(true);
    ClientRequest& request = w.sent(client, "PUT", "/bulk/hang", "x");
    w.apply([](ProxyOptions& o) { o.routes = {{"all", "", "", "", upstream::TrafficClass::kControl}}; });
    w.remote.last().answer(200, "");
    w.until([&] { return request.done(); });
    w.settle();
    CHECK(w.stats.operation(kPeer, 0).duration.snapshot().count() == 1);
    CHECK(w.stats.uploads.success.get() == 1);
  }
  const auto lines = log.lines();
  REQUIRE(lines.size() == 1);  // and so is whether it is logged
  CHECK(has(lines[0], "\"operation\":\"upload\""));
  CHECK(has(lines[0], "\"class\":\"bulk\""));
}

TEST_CASE("exchange: a retry is its request's business: one line, one answer") {
  LogCapture log;
  {
    ProxyWorld w(logs);
    ClientRequest& request = w.client(true).send("PUT", "/refuse-once", "replayed");
    w.until([&] { return request.done(); });
    CHECK(request.body == "second");
    w.settle();
    CHECK(w.remote.last().body == "replayed");
    CHECK(w.peerStats().bytesToPeer.get() == 8);
  }
  const auto lines = log.lines();
  REQUIRE(lines.size() == 1);
  CHECK(has(lines[0], "\"retries\":1"));
  CHECK(has(lines[0], "\"request_bytes\":8"));
}
