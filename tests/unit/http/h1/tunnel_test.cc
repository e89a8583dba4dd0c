// Tunnels over h1: what follows a 101, with directions that end apart; and other half-closed connections.
#include <string>

#include <doctest/doctest.h>

#include "pair.h"

namespace peerpulse::http::test {
namespace {

using Pair = H1Pair;

TEST_CASE("h1: upgrade to a tunnel") {
  Pair p;
  Recorder r;
  RequestHead head = makeRequest("GET", "/ws");
  head.upgrade = "websocket";
  head.headers.add("sec-websocket-key", "k");
  p.open(r).sendHeaders(head, true);
  p.wire.run();
  Recorder& s = p.request(0);
  CHECK(s.request.upgrade == "websocket");
  CHECK(s.text() == "GET /ws end");
  // Bytes before the 101 are no tunnel yet.
  REQUIRE(p.server->receive(Slice::copyOf("early")));
  CHECK(s.received == 0);
  ResponseHead switching = makeResponse(101);
  switching.upgrade = "websocket";
  s.answer->sendHeaders(switching, false);
  p.wire.run();
  CHECK(r.text() == "head:101");
  CHECK(r.response.upgrade == "websocket");
  p.wire.run();
  CHECK(s.body == "early");
  r.stream->sendData(Slice::copyOf("ping"));
  s.stream->sendData(Slice::copyOf("\r\npong"));
  p.wire.run();
  CHECK(s.body == "earlyping");
  CHECK(r.body == "\r\npong");
  s.stream->sendEnd();
  p.wire.run();
  CHECK_FALSE(p.server->finished());
  p.client->receiveEof();
  CHECK(r.log.back() == "end");
  r.stream->sendEnd();
  p.wire.run();
  CHECK(r.log.back() == "closed");
  CHECK(p.client->finished());
  p.server->receiveEof();
  CHECK(p.server->finished());
  CHECK(s.text() == "GET /ws end data end closed");
}

TEST_CASE("h1: the answer to a key that is no client's is for nobody") {
  for (const bool extended : {false, true}) {
    Pair p;
    Recorder r;
    RequestHead head = makeRequest(extended ? "CONNECT" : "GET", "/ws");
    head.upgrade = "websocket";
    p.open(r).sendHeaders(head, !extended);
    p.wire.run();
    ResponseHead switching = makeResponse(101);
    switching.upgrade = "websocket";
    switching.headers.add("Sec-WebSocket-Accept", "x");
    p.request(0).answer->sendHeaders(switching, false);
    p.wire.run();
    CHECK(r.response.status == 101);
    CHECK(r.response.headers.has("sec-websocket-accept") != extended);
  }
}

/// A pair whose one stream has become a tunnel.
struct TunnelPair : Pair {
  TunnelPair() {
    RequestHead head = makeRequest("GET", "/ws");
    head.upgrade = "websocket";
    open(near).sendHeaders(head, true);
    wire.run();
    ResponseHead switching = makeResponse(101);
    switching.upgrade = "websocket";
    far().answer->sendHeaders(switching, false);
    wire.run();
  }
  Recorder& far() { return request(0); }
  /// What the drivers of two codecs do with a half-closed connection.
  void run() {
    wire.run();
    passFin(*client, *server, clientFin);
    passFin(*server, *client, serverFin);
    wire.run();
  }
  static void passFin(Codec& from, Codec& to, bool& sent) {
    if (sent || (!from.outputEnded() && !from.finished())) return;
    sent = true;
    to.receiveEof();
  }
  Recorder near;
  bool clientFin = false;
  bool serverFin = false;
};

TEST_CASE("h1: the client's end of a tunnel leaves the server's direction open") {
  TunnelPair p;
  p.near.stream->sendData(Slice::copyOf("question"));
  p.near.stream->sendEnd();
  CHECK_FALSE(p.client->outputEnded());  // its last bytes are still here
  p.run();
  CHECK(p.client->outputEnded());
  CHECK(p.client->wantsRead());
  CHECK_FALSE(p.client->finished());
  CHECK(p.far().text() == "GET /ws end data end");
  CHECK(p.far().body == "question");
  CHECK_FALSE(p.server->outputEnded());
  CHECK_FALSE(p.server->finished());
  p.far().stream->sendData(Slice::copyOf("answer"));
  p.run();
  CHECK(p.near.body == "answer");
  CHECK(p.near.text() == "head:101 data");
  p.far().stream->sendEnd();
  p.wire.run();
  CHECK(p.far().text() == "GET /ws end data end closed");
  CHECK(p.server->finished());
  p.client->receiveEof();
  CHECK(p.near.text() == "head:101 data end closed");
  CHECK(p.client->finished());
}

TEST_CASE("h1: the server's end of a tunnel leaves the client's direction open") {
  TunnelPair p;
  p.far().stream->sendEnd();
  p.run();
  CHECK(p.server->outputEnded());
  CHECK(p.server->wantsRead());
  CHECK_FALSE(p.server->finished());
  CHECK(p.near.text() == "head:101 end");
  p.near.stream->sendData(Slice::copyOf("still"));
  p.run();
  CHECK(p.far().body == "still");
  CHECK_FALSE(p.client->finished());
  p.near.stream->sendEnd();
  p.wire.run();
  CHECK(p.near.text() == "head:101 end closed");
  CHECK(p.client->finished());
  p.server->receiveEof();
  CHECK(p.far().text() == "GET /ws end data end closed");
  CHECK(p.server->finished());
}

TEST_CASE("h1: both ends of a tunnel at once, and an end passed on from inside onEnd()") {
  TunnelPair p;
  p.near.stream->sendEnd();
  p.far().stream->sendEnd();
  p.run();
  CHECK(p.near.text() == "head:101 end closed");
  CHECK(p.far().text() == "GET /ws end end closed");
  CHECK(p.client->finished());
  CHECK(p.server->finished());

  TunnelPair q;
  q.far().onEndHook = [](Recorder& r) { r.stream->sendEnd(); };
  q.near.stream->sendEnd();
  q.run();
  CHECK(q.far().text() == "GET /ws end end closed");
  CHECK(q.server->finished());
}

TEST_CASE("h1: bytes and FIN that came before the 101 belong to the tunnel") {
  Pair p;
  REQUIRE(p.server->receive(
      Slice::copyOf("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nearly")));
  p.server->receiveEof();
  ResponseHead switching = makeResponse(101);
  switching.upgrade = "websocket";
  Recorder& s = p.request(0);
  s.answer->sendHeaders(switching, false);
  CHECK(produced(*p.server) ==
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
  CHECK(s.text() == "GET /ws end data end");
  CHECK(s.body == "early");
  s.stream->sendEnd();
  produced(*p.server);
  CHECK(s.log.back() == "closed");
  CHECK(p.server->finished());
}

TEST_CASE("h1: a tunnel that begins with the trailers of its request has not ended with them") {
  Pair p;
  p.serverOwner.onNew = [](Recorder& request) {
    request.onTrailersHook = [](Recorder& r) {
      ResponseHead switching = makeResponse(101);
      switching.upgrade = "websocket";
      r.answer->sendHeaders(switching, false);
    };
  };
  REQUIRE(
      p.server->receive(Slice::copyOf("POST /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                                      "Transfer-Encoding: chunked\r\n\r\n0\r\nx-sum: 1\r\n\r\nearly")));
  produced(*p.server);
  CHECK(p.request(0).text() == "POST /ws trailers data");
  CHECK(p.request(0).body == "early");
  p.server->receiveEof();
  CHECK(p.request(0).text() == "POST /ws trailers data end");
}

TEST_CASE("h1: after an early answer the connection may send its FIN while it reads on") {
  Pair p;
  REQUIRE(p.server->receive(Slice::copyOf("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")));
  CHECK_FALSE(p.server->outputEnded());
  p.request(0).answer->sendHeaders(makeResponse(413), true);
  CHECK_FALSE(p.server->outputEnded());
  produced(*p.server);
  CHECK(p.server->outputEnded());
  CHECK(p.server->wantsRead());
  REQUIRE(p.server->receive(Slice::copyOf("defghij")));
  CHECK(p.server->finished());
}

TEST_CASE("h1: there are no last words to say goodbye with") {
  TunnelPair p;
  p.server->goAway();
  p.client->goAway();
  CHECK(produced(*p.server) == "");
  CHECK(produced(*p.client) == "");
  p.server->connectionLost("idle");
  p.client->connectionLost("idle");
  CHECK(p.far().text() == "GET /ws end reset:connection_closed");
  CHECK(p.near.text() == "head:101 reset:connection_closed");
}

}  // namespace
}  // namespace peerpulse::http::test
