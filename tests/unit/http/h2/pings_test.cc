// A client's PINGs: answered at once, or held while its peer's own process owes an answer (holdPings()).
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../test_peers.h"
#include "frames.h"

namespace peerpulse::http::test {
namespace {

std::string ping(int number) {
  std::string payload = "ping 000";
  payload[6] = static_cast<char>('0' + number / 10);
  payload[7] = static_cast<char>('0' + number % 10);
  return payload;
}

struct Pinged {
  Pinged() { give(kPreface); }
  void give(const std::string& frames) { REQUIRE(codec->receive(Slice::copyOf(frames))); }
  void send(int number) { give(frame(kPing, 0, 0, ping(number))); }
  /// The payloads that were acknowledged since.
  std::vector<std::string> acks() {
    Buffer out;
    codec->produce(out, SIZE_MAX);
    std::vector<std::string> all;
    for (const Frame& each : framesOf(out.toString())) {
      if (each.is(kPing) && each.flags == kAck) all.push_back(each.payload);
    }
    return all;
  }
  ServerOwner owner;
  std::unique_ptr<Codec> codec = createH2ServerCodec(owner, CodecLimits{});
};

TEST_CASE("h2 pings: answered in order") {
  Pinged p;
  p.send(1);
  p.send(2);
  CHECK(p.acks() == std::vector<std::string>{ping(1), ping(2)});
  p.give(frame(kPing, kAck, 0, ping(3)));
  CHECK(p.acks().empty());
}

TEST_CASE("h2 pings: held while told so, answered in order when released") {
  Pinged p;
  p.codec->holdPings(true);
  p.send(1);
  p.send(2);
  CHECK(p.acks().empty());
  p.give(request(1));  // everything else goes on
  CHECK(p.owner.text() == "GET / end");
  const int before = p.owner.outputReady;
  p.codec->holdPings(false);
  CHECK(p.owner.outputReady > before);
  CHECK(p.acks() == std::vector<std::string>{ping(1), ping(2)});
  p.send(3);
  CHECK(p.acks() == std::vector<std::string>{ping(3)});
  p.codec->holdPings(false);
  CHECK(p.acks().empty());
}

TEST_CASE("h2 pings: the newest are kept") {
  Pinged p;
  p.codec->holdPings(true);
  for (int i = 0; i < 40; ++i)
    p.send(i);
  p.codec->holdPings(false);
  const auto acks = p.acks();
  REQUIRE(acks.size() == 16);
  CHECK(acks.front() == ping(24));
  CHECK(acks.back() == ping(39));
}

TEST_CASE("h2 pings: released after the end there is nothing to say") {
  Pinged p;
  p.codec->holdPings(true);
  p.send(1);
  p.codec->connectionLost("gone");
  p.codec->holdPings(false);
  CHECK(p.acks().empty());
}

TEST_CASE("h2 pings: a client that takes no answers ends") {
  Pinged p;
  bool ended = false;
  for (int i = 0; i < 3000 && !ended; ++i)
    ended = !p.codec->receive(Slice::copyOf(frame(kPing, 0, 0, "flooding")));
  CHECK(ended);
}

}  // namespace
}  // namespace peerpulse::http::test
