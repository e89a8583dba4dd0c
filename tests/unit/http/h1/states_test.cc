// The h1 state machines (src/http/h1/states.h): their graphs, and that hostile bytes and erratic users reach every
// state and no assertion.
#include <array>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../graph.h"
#include "fuzz.h"

namespace peerpulse::http::test {
namespace {

using h1::Incoming;
using h1::Life;
using h1::Outgoing;

constexpr std::array kLives = {Life::kOpen, Life::kLast, Life::kTunnel, Life::kClosing, Life::kBroken};
constexpr std::array kIncoming = {Incoming::kIdle, Incoming::kHead,    Incoming::kBody,   Incoming::kBetween,
                                  Incoming::kDone, Incoming::kDiscard, Incoming::kTunnel, Incoming::kClosed};
constexpr std::array kOutgoing = {Outgoing::kNone,  Outgoing::kHead, Outgoing::kBody,
                                  Outgoing::kEnded, Outgoing::kSent, Outgoing::kSpoiled};

TEST_CASE("h1 states: a connection only ever gets nearer to its end") {
  for (const Life from : kLives) {
    for (const Life to : kLives) {
      if (mayFollow(from, to)) CHECK(to > from);
      if (from != Life::kBroken && to == Life::kBroken) CHECK(mayFollow(from, to));
    }
  }
  CHECK(reachable(Life::kOpen, kLives).size() == kLives.size());
}

TEST_CASE("h1 states: what is closed stays closed, a stream can always end") {
  for (const Incoming from : kIncoming) {
    CHECK_FALSE(mayFollow(Incoming::kClosed, from));
    CHECK(mayFollow(from, Incoming::kClosed) == (from != Incoming::kClosed));
  }
  for (const Outgoing from : kOutgoing)
    CHECK(mayFollow(from, Outgoing::kNone) == (from != Outgoing::kNone));
  CHECK(reachable(Incoming::kIdle, kIncoming).size() == kIncoming.size());
  CHECK(reachable(Outgoing::kNone, kOutgoing).size() == kOutgoing.size());
}

TEST_CASE("h1 states: hostile requests visit every state of the server and break none") {
  const std::vector<std::string> inputs = {
      "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nraw bytes",
      "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\nhello, world"
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nx: y\r\n\r\n"
      "GET / HTTP/1.0\r\n\r\n",
      "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n"
      "X-Backend-Obj-Multiphase-Commit: yes\r\n\r\n5\r\nhello\r\n0\r\n\r\n5\r\nother\r\n0\r\n\r\n",
  };
  H1Visited visited;
  for (const std::string& input : inputs) {
    CAPTURE(input);
    everyByte(input, 12, [&](size_t cut, uint64_t seed) { fuzzH1Server(input, cut, seed, {}, visited); });
  }
  CHECK(visited.life.size() == kLives.size());
  CHECK(visited.incoming.size() == kIncoming.size() - 1);
  CHECK(visited.incoming.count(Incoming::kIdle) == 0);
  CHECK(visited.outgoing.size() == kOutgoing.size());
}

TEST_CASE("h1 states: hostile responses visit every state of the client and break none") {
  const std::vector<std::string> inputs = {
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nraw bytes",
      "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello, world"
      "HTTP/1.1 204 No Content\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nx: y\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\nuntil the end of file",
  };
  H1Visited visited;
  for (const std::string& input : inputs) {
    CAPTURE(input);
    everyByte(input, 12, [&](size_t cut, uint64_t seed) { fuzzH1Client(input, cut, seed, {}, visited); });
  }
  CHECK(visited.life.size() == kLives.size());
  // kDone lasts as long as the receiver's onEnd(); kDiscard and kBetween are the server's.
  CHECK(visited.incoming.size() == kIncoming.size() - 2);
  CHECK(visited.incoming.count(Incoming::kDiscard) == 0);
  CHECK(visited.incoming.count(Incoming::kBetween) == 0);
  CHECK(visited.outgoing.size() == kOutgoing.size());
}

}  // namespace
}  // namespace peerpulse::http::test
