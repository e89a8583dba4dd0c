// The h2 state machines (src/http/h2/states.h): their graphs, and that hostile bytes and erratic users reach every
// state and no assertion.
#include <array>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../graph.h"
#include "frames.h"
#include "fuzz.h"

namespace peerpulse::http::test {
namespace {

using h2::Hold;
using h2::Incoming;
using h2::Life;
using h2::Outgoing;

constexpr std::array kLives = {Life::kOpen,    Life::kNoticed,   Life::kDraining,
                               Life::kGoodbye, Life::kAbandoned, Life::kClosed};
constexpr std::array kHolds = {Hold::kOpen,    Hold::kParting,  Hold::kForsaken, Hold::kLeft,
                               Hold::kClosing, Hold::kAborting, Hold::kOver};
constexpr std::array kIncoming = {Incoming::kHead, Incoming::kBody, Incoming::kDone};
constexpr std::array kOutgoing = {Outgoing::kHead, Outgoing::kBody, Outgoing::kStarved, Outgoing::kEnded,
                                  Outgoing::kSent};

TEST_CASE("h2 states: a connection only ever gets nearer to its end") {
  for (const Life from : kLives) {
    CHECK(mayFollow(from, Life::kClosed) == (from != Life::kClosed));
    for (const Life to : kLives) {
      if (mayFollow(from, to)) CHECK(to > from);
    }
  }
  CHECK(reachable(Life::kOpen, kLives).size() == kLives.size());
}

TEST_CASE("h2 states: a stream's last state is kOver, END_STREAM is never taken back") {
  for (const Hold from : kHolds) {
    CHECK(mayFollow(from, Hold::kOver) == (from != Hold::kOver));
    CHECK_FALSE(mayFollow(from, Hold::kOpen));
  }
  for (const Incoming to : kIncoming)
    CHECK_FALSE(mayFollow(Incoming::kDone, to));
  for (const Outgoing to : kOutgoing)
    CHECK_FALSE(mayFollow(Outgoing::kSent, to));
  CHECK(reachable(Hold::kOpen, kHolds).size() == kHolds.size());
  CHECK(reachable(Incoming::kHead, kIncoming).size() == kIncoming.size());
  CHECK(reachable(Outgoing::kHead, kOutgoing).size() == kOutgoing.size());
}

TEST_CASE("h2 states: a body is cut small once, after it was awaited") {
  using h2::SmallCut;
  constexpr std::array kCuts = {SmallCut::kNever, SmallCut::kAwaited, SmallCut::kAllowed};
  CHECK_FALSE(mayFollow(SmallCut::kNever, SmallCut::kAllowed));
  CHECK_FALSE(mayFollow(SmallCut::kAllowed, SmallCut::kAwaited));
  CHECK(reachable(SmallCut::kNever, kCuts).size() == kCuts.size());
}

TEST_CASE("h2 states: hostile requests visit every state of the server and break none") {
  const std::vector<std::string> inputs = {
      kPreface + request(1, "", kEndHeaders) + frame(kData, 0, 1, "hello") + frame(kData, kEndStream, 1, ", world") +
          request(3) + frame(kPing, 0, 0, "12345678"),
      kPreface + request(1, "", kEndHeaders) + request(3, "", kEndHeaders) + frame(kRst, 0, 1, bytes32(8)) +
          frame(kHeaders, kEndStream | kEndHeaders, 3, field("x", "y")) +
          frame(kPing, kAck, 0, "ppdrain" + std::string(1, 0)),
      kPreface + request(1) + frame(kWindow, 0, 1, bytes32(1)) + frame(kGoAway, 0, 0, bytes32(0) + bytes32(0)),
      kPreface +
          frame(kHeaders, kEndHeaders, 1,
                field(":method", "CONNECT") + field(":protocol", "websocket") + field(":scheme", "http") +
                    field(":authority", "a") + field(":path", "/")) +
          frame(kData, 0, 1, "hello") + frame(kData, kEndStream, 1, ", tunnel"),
  };
  H2Visited visited;
  for (const std::string& input : inputs) {
    everyByte(input, 12, [&](size_t cut, uint64_t seed) { fuzzH2Server(input, cut, seed, {}, visited); });
  }
  CHECK(visited.life.size() == kLives.size() - 1);
  CHECK(visited.life.count(Life::kAbandoned) == 0);
  CHECK(visited.hold.size() == kHolds.size() - 2);
  CHECK(visited.hold.count(Hold::kParting) + visited.hold.count(Hold::kLeft) == 0);
  CHECK(visited.incoming.size() == kIncoming.size());
  CHECK(visited.outgoing.size() == kOutgoing.size());
}

TEST_CASE("h2 states: hostile responses visit every state of the client and break none") {
  const std::string tunnels("\0\x08\0\0\0\x01", 6);  // SETTINGS_ENABLE_CONNECT_PROTOCOL
  const std::string settings = frame(kSettings, 0, 0, tunnels) + frame(kSettings, kAck, 0, "");
  const std::vector<std::string> inputs = {
      settings + response(1, "103", kEndHeaders) + response(1, "200", kEndHeaders) + frame(kData, 0, 1, "hello") +
          frame(kHeaders, kEndStream | kEndHeaders, 1, field("x", "y")) +
          response(3, "204", kEndStream | kEndHeaders),
      settings + response(1, "200", kEndHeaders) + frame(kRst, 0, 1, bytes32(0)) + frame(kRst, 0, 3, bytes32(7)) +
          frame(kPing, kAck, 0, "12345678"),
      settings + frame(kGoAway, 0, 0, bytes32(1) + bytes32(11) + "too_many_pings") +
          response(1, "200", kEndHeaders | kEndStream),
  };
  H2Visited visited;
  for (const std::string& input : inputs) {
    CodecLimits limits;
    limits.unheardResets = 1;  // the users open few streams
    everyByte(input, 48, [&](size_t cut, uint64_t seed) { fuzzH2Client(input, cut, seed, limits, visited); });
  }
  CHECK(visited.life.size() == kLives.size() - 1);
  CHECK(visited.life.count(Life::kNoticed) == 0);
  visited.hold.insert(Hold::kLeft);  // takes two calls in a row: tunnel_test.cc
  CHECK(visited.hold.size() == kHolds.size());
  CHECK(visited.incoming.size() == kIncoming.size());
  CHECK(visited.outgoing.size() == kOutgoing.size());
}

}  // namespace
}  // namespace peerpulse::http::test
