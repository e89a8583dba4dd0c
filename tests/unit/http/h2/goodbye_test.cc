// How an h2 connection ends: drain(), goAway(), and what the other side makes of it (RFC 9113 6.8).
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "pair.h"

namespace peerpulse::http::test {
namespace {

using Pair = H2Pair;

TEST_CASE("h2: ping, goaway and drain") {
  Pair p;
  CHECK(p.client->submitPing(0x0102030405060708u));
  p.wire.run();
  REQUIRE(p.clientOwner.pingAcks.size() == 1);
  CHECK(p.clientOwner.pingAcks[0] == 0x0102030405060708u);

  Recorder r;
  p.open(r).sendHeaders(makeRequest("GET", "/last"), true);
  p.wire.run();
  p.server->drain();
  p.wire.run();
  CHECK(p.clientOwner.goAways.size() == 2);  // the notice, then the real one
  CHECK(p.clientOwner.goAways[0].first == 0);
  CHECK_FALSE(p.client->canOpenStream());
  CHECK_FALSE(p.server->finished());
  CHECK_FALSE(p.client->finished());
  p.serverOwner.requests.at(0)->answer->sendHeaders(makeResponse(204), true);
  p.wire.run();
  CHECK(r.text() == "head:204 end closed");
  CHECK(p.server->finished());
  CHECK(p.client->finished());
}

/// What `codec` still has to say, as the other side's owner hears it.
std::vector<std::pair<uint32_t, std::string>> lastWords(Codec& codec, Codec& remote, ClientOwner& remoteOwner) {
  Buffer out;
  codec.produce(out, SIZE_MAX);
  if (!out.empty()) CHECK(remote.receive(asOneRead(out)));
  return remoteOwner.goAways;
}

TEST_CASE("h2: a server's goodbye says which stream was the last, and cuts what is open") {
  Pair p;
  Recorder answered;
  Recorder open;
  Recorder late;
  p.open(answered).sendHeaders(makeRequest("GET", "/answered"), true);
  p.wire.run();
  p.serverOwner.requests.at(0)->answer->sendHeaders(makeResponse(204), true);
  p.open(open).sendHeaders(makeRequest("POST", "/open"), false);
  p.wire.run();
  p.open(late).sendHeaders(makeRequest("GET", "/late"), true);
  Buffer lost;
  p.client->produce(lost, SIZE_MAX);
  CHECK_FALSE(p.server->finished());
  p.server->goAway();
  CHECK(p.serverOwner.requests.at(1)->text() == "POST /open reset:connection_closed");
  CHECK(p.server->activeStreams() == 0);
  CHECK_FALSE(p.server->finished());  // not before it was said
  const auto said = lastWords(*p.server, *p.client, p.clientOwner);
  REQUIRE(said.size() == 1);
  CHECK(said[0].first == 0);
  CHECK(p.server->finished());
  CHECK(p.server->receive(asOneRead(lost)));  // not read any more
  CHECK(p.serverOwner.requests.size() == 2);
  CHECK(answered.text() == "head:204 end closed");
  CHECK(late.text() == "reset:refused");
  CHECK(open.text() == "");
  p.client->receiveEof();
  CHECK(open.text() == "reset:connection_closed");
  p.server->goAway();  // once is enough
  CHECK(lastWords(*p.server, *p.client, p.clientOwner).size() == 1);
  CHECK(p.server->finished());
}

TEST_CASE("h2: a client's goodbye") {
  Pair p;
  Recorder sent;
  Recorder unsent;
  p.open(sent).sendHeaders(makeRequest("GET", "/"), true);
  p.wire.run();
  p.open(unsent);
  p.client->goAway();
  CHECK(sent.text() == "reset:connection_closed");
  CHECK(unsent.text() == "reset:connection_closed");
  CHECK_FALSE(p.client->canOpenStream());
  CHECK_FALSE(p.client->finished());
  Buffer out;
  p.client->produce(out, SIZE_MAX);
  // GOAWAY: length 8, type 7, no flags, stream 0; last stream 0, NO_ERROR.
  CHECK(out.toString() == std::string("\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0", 17));
  CHECK(p.client->finished());
}

TEST_CASE("h2: goodbye from inside a callback, and where nothing is left to say") {
  Pair p;
  p.serverOwner.onNew = [&p](Recorder&) { p.server->goAway(); };
  Recorder r;
  p.open(r).sendHeaders(makeRequest("GET", "/"), true);
  p.wire.run();
  CHECK(p.serverOwner.requests.at(0)->text() == "GET / end reset:connection_closed");
  CHECK(p.clientOwner.goAways.size() == 1);
  CHECK(p.server->finished());

  Pair q;
  q.server->connectionLost("gone");
  q.client->abandon();
  q.server->goAway();
  q.client->goAway();
  Buffer out;
  q.server->produce(out, SIZE_MAX);
  CHECK(out.empty());
}

TEST_CASE("h2: an idle server says GOAWAY with its last stream before it is finished") {
  Pair p;
  Recorder r;
  p.server->drain();
  Buffer notice;
  p.server->produce(notice, SIZE_MAX);
  CHECK_FALSE(p.server->finished());
  p.open(r).sendHeaders(makeRequest("GET", "/on-its-way"), true);
  Buffer request;
  p.client->produce(request, SIZE_MAX);
  REQUIRE(p.server->receive(asOneRead(request)));
  REQUIRE(p.client->receive(asOneRead(notice)));
  REQUIRE(p.serverOwner.requests.size() == 1);
  p.serverOwner.requests[0]->answer->sendHeaders(makeResponse(204), true);
  p.wire.run();
  CHECK(r.text() == "head:204 end closed");
  CHECK(p.clientOwner.goAways.size() == 2);
  CHECK(p.server->finished());

  Pair q;  // one that does not wait
  q.server->drain();
  q.server->drain();
  CHECK_FALSE(q.server->finished());
  CHECK(lastWords(*q.server, *q.client, q.clientOwner).size() == 2);
  CHECK(q.server->finished());
}

TEST_CASE("h2: a stream beyond GOAWAY's last id was refused") {
  Pair p;
  Recorder r;
  p.open(r).sendHeaders(makeRequest("POST", "/late"), false);
  Buffer lost;
  p.client->produce(lost, SIZE_MAX);  // never arrives
  p.server->drain();
  p.server->drain();
  Buffer out;
  p.server->produce(out, SIZE_MAX);
  REQUIRE(p.client->receive(asOneRead(out)));
  CHECK(r.text() == "reset:refused");

  Pair q;
  Recorder early;
  RequestStream& stream = q.open(early);
  q.server->drain();
  q.wire.run();
  stream.sendHeaders(makeRequest("GET", "/unsent"), true);
  q.wire.run();
  CHECK(early.text() == "reset:refused");
}

TEST_CASE("h2: client drain finishes what runs") {
  Pair p;
  Recorder r;
  p.open(r).sendHeaders(makeRequest("GET", "/d"), true);
  p.wire.run();
  p.client->drain();
  CHECK_FALSE(p.client->canOpenStream());
  CHECK_FALSE(p.client->finished());
  p.serverOwner.requests.at(0)->answer->sendHeaders(makeResponse(200), true);
  p.wire.run();
  CHECK(r.text() == "head:200 end closed");
  CHECK(p.client->finished());
}

}  // namespace
}  // namespace peerpulse::http::test
