// Goal: what honest peers do, however often, ends no connection; the same without any use does. And what becomes of streams
// when a peer ends its connection for being asked too much.
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "../test_peers.h"
#include "frames.h"

namespace peerpulse::http::test {
namespace {

std::string windows(uint32_t n) { return frame(kWindow, 0, 1, bytes32(n)) + frame(kWindow, 0, 0, bytes32(n)); }

/// The body bytes in what `codec` has to send.
size_t bodySent(Codec& codec) {
  Buffer out;
  codec.produce(out, SIZE_MAX);
  size_t n = 0;
  for (const Frame& each : framesOf(out.toString()))
    n += each.is(kData) ? each.payload.size() : 0;
  return n;
}

/// A client codec that uploads on stream 1.
struct Upload {
  Upload() {
    r.stream = &codec->openStream(r);
    static_cast<RequestStream*>(r.stream)->sendHeaders(makeRequest("PUT", "/"), false);
    CHECK(codec->receive(Slice::copyOf(frame(kSettings, 0, 0, "") + frame(kSettings, kAck, 0, ""))));
  }
  ClientOwner owner;
  std::unique_ptr<ClientCodec> codec = createH2ClientCodec(owner, CodecLimits{});
  Recorder r;
};

TEST_CASE("h2 honest: an upload to a peer that gives back each 4 KiB, on both windows, for ever") {
  Upload u;
  constexpr size_t kTotal = size_t{256} * 1024 * 1024;
  const Slice piece = Slice::copyOf(std::string(1024 * 1024, 'u'));
  std::string all;
  size_t unread = 0;
  for (size_t sent = 0; sent < kTotal;) {
    while (u.r.bodySent + 65'535 > sent && sent < kTotal) {
      u.r.stream->sendData(piece);
      sent += piece.size();
    }
    unread += bodySent(*u.codec);
    REQUIRE(unread > 0);
    std::string updates;
    for (; unread >= 4096; unread -= 4096)
      updates += windows(4096);
    REQUIRE(u.codec->receive(Slice::copyOf(updates)));
  }
  CHECK(u.r.text() == "");
}

TEST_CASE("h2 honest: a download to a client that gives back each 4 KiB") {
  ServerOwner owner;
  const auto codec = createH2ServerCodec(owner, CodecLimits{});
  REQUIRE(codec->receive(Slice::copyOf(kPreface + request(1))));
  Recorder& r = *owner.requests.at(0);
  r.answer->sendHeaders(makeResponse(200), false);
  const Slice piece = Slice::copyOf(std::string(65'536, 'd'));
  size_t unread = 0;
  for (int i = 0; i < 2000; ++i) {
    r.answer->sendData(piece);
    unread += bodySent(*codec);
    std::string updates;
    for (; unread >= 4096; unread -= 4096)
      updates += windows(4096);
    REQUIRE(codec->receive(Slice::copyOf(updates)));
  }
  CHECK(r.text() == "GET / end");
}

TEST_CASE("h2 honest: small messages both ways, each given back at once") {
  Upload u;
  REQUIRE(u.codec->receive(Slice::copyOf(response(1, "200", kEndHeaders))));
  for (int i = 0; i < 50'000; ++i) {
    u.r.stream->sendData(Slice::copyOf("question"));
    REQUIRE(bodySent(*u.codec) == 8);
    REQUIRE(u.codec->receive(Slice::copyOf(windows(8) + frame(kData, 0, 1, "answer") + frame(kData, 0, 1, ""))));
    u.r.stream->consumed(6);
  }
  CHECK(u.r.received == 300'000);
}

TEST_CASE("h2 honest: priorities, grease and wider windows with each request") {
  ServerOwner owner;
  owner.onNew = [](Recorder& r) { r.answer->sendHeaders(makeResponse(204), true); };
  const auto codec = createH2ServerCodec(owner, CodecLimits{});
  REQUIRE(codec->receive(Slice::copyOf(kPreface)));
  const std::string priority("\0\0\0\0\x10", 5);
  for (uint32_t id = 1; id < 40'000; id += 2) {
    std::string in = frame(kPriority, 0, id, priority) + frame(static_cast<Type>(0x0b), 0, id, "grease") +
                     request(id) + frame(kPriority, 0, id, priority) +
                     frame(static_cast<Type>(0x10), 0, 0, bytes32(id) + "u=1");
    REQUIRE(codec->receive(Slice::copyOf(in)));
    Buffer out;
    codec->produce(out, SIZE_MAX);
    owner.requests.clear();
  }
}

TEST_CASE("h2 honest: an idle connection's PINGs and SETTINGS have no end") {
  ServerOwner owner;
  const auto codec = createH2ServerCodec(owner, CodecLimits{});
  REQUIRE(codec->receive(Slice::copyOf(kPreface)));
  for (int i = 0; i < 50'000; ++i) {
    REQUIRE(codec->receive(Slice::copyOf(frame(kPing, 0, 0, "keepaliv") + frame(kSettings, 0, 0, ""))));
    Buffer out;
    codec->produce(out, SIZE_MAX);
    CHECK(out.size() >= 17 + 9);
  }
}

TEST_CASE("h2 honest: WINDOW_UPDATEs for nothing are a flood, also after honest ones") {
  Upload u;
  u.r.stream->sendData(Slice::copyOf(std::string(60'000, 'u')));
  CHECK(bodySent(*u.codec) == 60'000);
  bool ended = false;
  for (int i = 0; i < 12'000 && !ended; ++i)
    ended = !u.codec->receive(Slice::copyOf(frame(kWindow, 0, 0, bytes32(1))));
  CHECK(ended);
  CHECK(u.r.text() == "reset:protocol_error");
  CHECK(u.r.resetDetail == "flood of frames: window_update");
}

TEST_CASE("h2 honest: GOAWAY too_many_data_frames: the rest was not processed, what was goes on") {
  Upload u;
  Recorder late;
  u.codec->openStream(late).sendHeaders(makeRequest("PUT", "/late"), false);
  Buffer out;
  u.codec->produce(out, SIZE_MAX);
  constexpr uint32_t kCalm = 11;
  REQUIRE(u.codec->receive(
      Slice::copyOf(frame(kGoAway, 0, 0, bytes32(1) + bytes32(kCalm) + "too_many_\"data\n_frames"))));
  REQUIRE(u.owner.goAways.size() == 1);
  CHECK(u.owner.goAways[0].first == kCalm);
  CHECK(late.text() == "reset:refused");
  CHECK(u.r.text() == "");
  CHECK_FALSE(u.codec->canOpenStream());
  CHECK_FALSE(u.codec->finished());
  u.r.stream->sendData(Slice::copyOf("more"));
  CHECK(bodySent(*u.codec) == 4);
  SUBCASE("its answer still comes") {
    u.r.stream->sendEnd();
    bodySent(*u.codec);
    REQUIRE(u.codec->receive(Slice::copyOf(response(1, "200", kEndHeaders | kEndStream))));
    CHECK(u.r.text() == "head:200 end closed");
    CHECK(u.codec->finished());
  }
  SUBCASE("the connection ends, and it is said why") {
    u.codec->receiveEof();
    CHECK(u.r.text() == "reset:connection_closed");
    CHECK(u.r.resetDetail == "GOAWAY received: ENHANCE_YOUR_CALM: too_many_?data?_frames");
  }
  SUBCASE("in order, an end is an end") {
    REQUIRE(u.codec->receive(Slice::copyOf(frame(kRst, 0, 1, bytes32(kCalm)))));
    CHECK(u.r.text() == "reset:enhance_your_calm");
  }
}

}  // namespace
}  // namespace peerpulse::http::test
