// Goal: no DATA frame below 256 bytes is made out of bigger ones, wherever reads, windows and frame limits cut; nothing waits
// for ever for that; small messages go on at once.
// Method: frames of a client go through a server codec and on through a client codec, as a proxy moves them, to a receiver
// that counts as hyper does.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "../erratic.h"
#include "../test_peers.h"
#include "frames.h"
#include "small_frame.h"

namespace peerpulse::http::test {
namespace {

/// SETTINGS of a server: its initial window and largest frame.
std::string settings(uint32_t window, uint32_t maxFrame = 16'384) {
  const auto entry = [](uint16_t id, uint32_t value) {
    return std::string{static_cast<char>(id >> 8), static_cast<char>(id)} + bytes32(value);
  };
  return frame(kSettings, 0, 0, entry(4, window) + entry(5, maxFrame));
}

/// One upload on a client codec, to a peer whose frames the test writes.
struct Upload {
  explicit Upload(uint32_t window, uint32_t maxFrame = 16'384) {
    RequestHead head = makeRequest("PUT", "/");
    r.stream = &codec->openStream(r);
    static_cast<RequestStream*>(r.stream)->sendHeaders(head, false);
    CHECK(codec->receive(Slice::copyOf(settings(window, maxFrame) + frame(kSettings, kAck, 0, ""))));
    take();
    barriers = 0;  // its own SETTINGS were none
  }
  /// The frames that the codec sends now; bodies are kept.
  std::vector<Frame> take() {
    Buffer out;
    codec->produce(out, SIZE_MAX);
    std::vector<Frame> got = framesOf(out.toString());
    for (const Frame& each : got) {
      if (each.is(kSettings) && each.flags == 0) ++barriers;
      if (!each.is(kData)) continue;
      body += each.payload;
      sizes.push_back(each.payload.size());
    }
    return got;
  }
  void give(size_t n) {
    r.stream->sendData(Slice::copyOf(std::string(n, static_cast<char>('a' + given % 23))));
    given += n;
  }
  void hear(const std::string& frames) { CHECK(codec->receive(Slice::copyOf(frames))); }
  void credit(uint32_t stream, uint32_t connection) {
    if (stream > 0) hear(frame(kWindow, 0, 1, bytes32(stream)));
    if (connection > 0) hear(frame(kWindow, 0, 0, bytes32(connection)));
  }
  size_t smallFrames() const {
    return static_cast<size_t>(std::count_if(sizes.begin(), sizes.end(), [](size_t n) { return n < kSmallFrame; }));
  }

  ClientOwner owner;
  std::unique_ptr<ClientCodec> codec = createH2ClientCodec(owner, CodecLimits{});
  Recorder r;
  std::string body;
  std::vector<size_t> sizes;
  size_t given = 0;
  size_t barriers = 0;
};

TEST_CASE("h2 bodies: the frame limit leaves no small rest") {
  for (const size_t size : std::initializer_list<size_t>{16'385, 16'394, 16'639, 16'640, 32'769, 33'000}) {
    Upload u(1'000'000);
    u.hear(frame(kWindow, 0, 0, bytes32(1'000'000)));
    u.give(size);
    u.take();
    CHECK(u.body.size() == size);
    CHECK(u.smallFrames() == 0);
  }
}

TEST_CASE("h2 bodies: small messages go on at once, each for itself") {
  Upload u(65'535);
  for (const size_t size : std::initializer_list<size_t>{1, 5, 100, 255}) {
    u.give(size);
    u.take();
    CHECK(u.sizes.back() == size);
  }
  CHECK(u.barriers == 0);
}

TEST_CASE("h2 bodies: what is left of a window is no frame while more room is owed") {
  Upload u(65'535);
  u.hear(frame(kWindow, 0, 0, bytes32(1'000'000)));
  u.give(65'435);
  u.take();
  const size_t before = u.body.size();
  CHECK(before == 65'435);
  u.give(50'000);
  u.take();
  CHECK(u.body.size() == before);
  CHECK(u.barriers == 1);
  u.credit(100, 0);  // not enough yet
  u.take();
  CHECK(u.body.size() == before);
  u.credit(32'768, 0);
  u.take();
  CHECK(u.body.size() == before + 100 + 100 + 32'768);
  CHECK(u.smallFrames() == 0);
  CHECK(u.barriers == 1);
}

TEST_CASE("h2 bodies: the connection's window likewise, for each stream that waits") {
  Upload u(1'000'000);
  Recorder second;
  second.stream = &u.codec->openStream(second);
  static_cast<RequestStream*>(second.stream)->sendHeaders(makeRequest("PUT", "/2"), false);
  u.give(65'500);
  u.take();
  u.give(10'000);
  second.stream->sendData(Slice::copyOf(std::string(10'000, '2')));
  u.take();
  CHECK(u.body.size() == 65'500);
  u.credit(0, 30'000);
  u.take();
  CHECK(u.body.size() == 85'500);
  CHECK(u.smallFrames() == 0);
}

TEST_CASE("h2 bodies: SETTINGS that widen the window end the wait") {
  Upload u(65'535);
  u.hear(frame(kWindow, 0, 0, bytes32(1'000'000)));
  u.give(65'500);
  u.take();
  u.give(1000);
  u.take();
  CHECK(u.body.size() == 65'500);
  u.hear(settings(100'000));
  u.take();
  CHECK(u.body.size() == 66'500);
}

TEST_CASE("h2 bodies: a peer that was asked and gives no more gets the rest of the window, once") {
  Upload u(65'535);
  u.hear(frame(kWindow, 0, 0, bytes32(1'000'000)));
  u.give(65'500);
  u.take();
  u.give(10'000);
  u.take();
  CHECK(u.barriers == 1);
  CHECK(u.body.size() == 65'500);
  u.hear(frame(kSettings, kAck, 0, ""));
  u.take();
  CHECK(u.body.size() == 65'535);
  CHECK(u.smallFrames() == 1);
  // One that credits only what was used up is not waited for again before it did.
  u.credit(65'535, 0);
  u.take();
  CHECK(u.body.size() == u.given);
  CHECK(u.smallFrames() == 1);
}

TEST_CASE("h2 bodies: a peer with a tiny window is not waited for") {
  for (const uint32_t window : {1U, 100U, 200U, 300U, 511U}) {
    CAPTURE(window);
    Upload u(window);
    u.give(5000);
    for (int turn = 0; turn < 10'000 && u.body.size() < 5000; ++turn) {
      const size_t before = u.body.size();
      const size_t asked = u.barriers;
      u.take();
      if (u.body.size() > before) u.credit(static_cast<uint32_t>(u.body.size() - before), 0);
      for (size_t i = asked; i < u.barriers; ++i)
        u.hear(frame(kSettings, kAck, 0, ""));
    }
    CHECK(u.body.size() == 5000);
  }
}

TEST_CASE("h2 bodies: a stream that ends while it waits for room") {
  Upload u(65'535);
  u.hear(frame(kWindow, 0, 0, bytes32(1'000'000)));
  u.give(65'500);
  u.take();
  u.give(10'000);
  u.take();
  u.hear(frame(kRst, 0, 1, bytes32(8)));
  CHECK(u.r.text() == "reset:cancel");
  u.hear(frame(kSettings, kAck, 0, "") + frame(kWindow, 0, 0, bytes32(1'000)));
  u.take();
  CHECK(u.body.size() == 65'500);
}

/// Moves frames of a client, cut by reads anywhere, to a peer whose application reads when it likes.
struct Relay {
  explicit Relay(uint64_t seed, uint32_t window) : dice(seed), peerWindow(window), streamLeft(window) {
    in.onNew = [this](Recorder& r) {
      r.onDataHook = [this](Recorder& self, size_t) {
        self.body.clear();
        for (Slice& piece : self.slices)
          out.stream->sendData(std::move(piece));
        self.slices.clear();
      };
    };
    out.stream = &client->openStream(out);
    static_cast<RequestStream*>(out.stream)->sendHeaders(makeRequest("PUT", "/"), false);
    out.onSentHook = [this](Recorder&, size_t n) { in.requests.at(0)->stream->consumed(n); };
    CHECK(client->receive(Slice::copyOf(settings(window) + test::frame(kSettings, kAck, 0, ""))));
    CHECK(
        server->receive(Slice::copyOf(kPreface + test::frame(kSettings, kAck, 0, "") + request(1, "", kEndHeaders))));
    carry();
    asked = 0;  // its own SETTINGS were acknowledged
  }
  /// The application reads, and gives room back as h2 does: at half a window.
  void read(size_t n) {
    n = std::min(n, unread);
    unread -= n;
    owed += n;
    if (owed >= peerWindow / 2) giveBack();
    for (; asked > 0; --asked)
      CHECK(client->receive(Slice::copyOf(test::frame(kSettings, kAck, 0, ""))));
  }
  void giveBack() {
    const std::string inc = bytes32(static_cast<uint32_t>(owed));
    CHECK(client->receive(Slice::copyOf(test::frame(kWindow, 0, 1, inc) + test::frame(kWindow, 0, 0, inc))));
    streamLeft += owed;
    owed = 0;
  }
  void carry() {
    Buffer wire;
    client->produce(wire, SIZE_MAX);
    for (const Frame& each : framesOf(wire.toString())) {
      if (each.is(kSettings) && each.flags == 0) ++asked;
      if (!each.is(kData)) continue;
      if (each.payload.size() < kSmallFrame) ++smallFrames;
      got += each.payload;
      unread += each.payload.size();
      REQUIRE(each.payload.size() <= streamLeft);
      streamLeft -= each.payload.size();
    }
    wire.clear();
    server->produce(wire, SIZE_MAX);
  }

  Dice dice;
  uint32_t peerWindow;
  size_t streamLeft;
  ServerOwner in;
  ClientOwner owner;
  std::unique_ptr<Codec> server = createH2ServerCodec(in, CodecLimits{});
  std::unique_ptr<ClientCodec> client = createH2ClientCodec(owner, CodecLimits{});
  Recorder out;
  size_t smallFrames = 0;
  std::string got;
  size_t unread = 0;
  size_t owed = 0;
  size_t asked = 0;  ///< SETTINGS to be acknowledged
};

TEST_CASE("h2 bodies: big frames through a proxy never make small ones, whatever the reads and windows") {
  size_t small = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Relay relay(seed, seed % 2 == 0 ? 65'535 : 40'000 + static_cast<uint32_t>(seed) * 977);
    Dice& dice = relay.dice;
    std::string wire;
    std::string body;
    for (int i = 0; i < 40; ++i) {
      const std::string payload(16'384 - dice.roll(3) * dice.roll(8000), static_cast<char>('a' + i % 26));
      wire += frame(kData, 0, 1, payload);
      body += payload;
    }
    size_t at = 0;
    for (int turn = 0; turn < 100'000 && relay.got.size() < body.size(); ++turn) {
      // The client keeps to our window.
      const bool room = at < relay.got.size() + 200'000;
      const size_t n =
          room ? std::min<size_t>(wire.size() - at, 1 + dice.roll(dice.roll(2) == 0 ? 70'000 : 2000)) : 0;
      if (n > 0) REQUIRE(relay.server->receive(Slice::copyOf(wire.substr(at, n))));
      at += n;
      relay.carry();
      relay.read(dice.roll(20'000));
    }
    CHECK((relay.got == body));
    // One may be, where the application read nothing for a round trip: the barrier proved that no room would come.
    CHECK(relay.smallFrames <= 1);
    small += relay.smallFrames;
  }
  CHECK(small <= 3);
}

TEST_CASE("h2 bodies: a read that ends in a frame makes no small one of it") {
  for (size_t cut = 1; cut < 1000; cut += 7) {
    Relay relay(1, 65'535);
    const std::string wire = frame(kData, 0, 1, std::string(1000, 'x'));
    REQUIRE(relay.server->receive(Slice::copyOf(wire.substr(0, cut))));
    relay.carry();
    REQUIRE(relay.server->receive(Slice::copyOf(wire.substr(cut))));
    relay.carry();
    CHECK(relay.got.size() == 1000);
    CHECK(relay.smallFrames == 0);
  }
}

TEST_CASE("h2 bodies: small frames of the client go on one by one, padded ones too") {
  Relay relay(1, 65'535);
  for (int i = 1; i <= 20; ++i) {
    REQUIRE(relay.server->receive(Slice::copyOf(frame(kData, 0, 1, std::string(static_cast<size_t>(i), 's')))));
    relay.carry();
    CHECK(relay.got.size() == static_cast<size_t>(i * (i + 1) / 2));
  }
  // Padding looks like more to come until the frame is over.
  constexpr uint8_t kPadded = 8;
  REQUIRE(relay.server->receive(
      Slice::copyOf(frame(kData, kPadded, 1, std::string(1, 100) + "padded" + std::string(100, '\0')))));
  relay.carry();
  CHECK(relay.got.substr(210) == "padded");
  CHECK(relay.in.requests.at(0)->received == 216);
}

TEST_CASE("h2 bodies: what waited for the rest of its frame is not lost with the connection") {
  const std::string half = frame(kData, 0, 1, std::string(100, 'x')).substr(0, 9 + 3);
  SUBCASE("of a request") {
    ServerOwner in;
    const auto server = createH2ServerCodec(in, CodecLimits{});
    REQUIRE(server->receive(Slice::copyOf(kPreface + request(1, "", kEndHeaders) + half)));
    server->connectionLost("reset");
    CHECK(in.requests.at(0)->text() == "GET / data reset:connection_closed");
    CHECK(in.requests.at(0)->body == "xxx");
    CHECK(server->finished());
  }
  SUBCASE("of an answer") {
    Upload upload(65'535);
    upload.hear(response(1, "200", kEndHeaders) + half);
    CHECK(upload.r.received == 0);
    upload.codec->connectionLost("reset");
    CHECK(upload.r.text() == "head:200 data reset:connection_closed");
    CHECK(upload.r.body == "xxx");
    CHECK(upload.codec->finished());
  }
}

}  // namespace
}  // namespace peerpulse::http::test
