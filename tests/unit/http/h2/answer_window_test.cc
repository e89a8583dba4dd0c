// Goal: a peer sends of an answer what its user allows, and no more; the window opens by what is allowed later.
#include <string>

#include <doctest/doctest.h>

#include "frames.h"
#include "pair.h"

namespace peerpulse::http::test {
namespace {

constexpr size_t kFirst = 1000;
constexpr size_t kBody = 300'000;

CodecLimits narrow() {
  CodecLimits limits;
  limits.firstWindow = kFirst;
  limits.streamWindow = 100'000;
  return limits;
}

/// A GET whose answer of kBody bytes the peer gives at once.
struct Get {
  explicit Get(H2Pair& p, size_t allowed = 0) : pair(p) {
    pair.serverOwner.onNew = [](Recorder& asked) {
      asked.onEndHook = [](Recorder& ended) {
        ended.answer->sendHeaders(makeResponse(200), false);
        ended.answer->sendData(Slice::copyOf(std::string(kBody, 'x')));
        ended.answer->sendEnd();
      };
    };
    RequestStream& stream = pair.open(r);
    stream.sendHeaders(makeRequest("GET", "/"), true);
    stream.allow(allowed);
    pair.wire.run();
  }
  H2Pair& pair;
  Recorder r;
  RequestStream& stream() { return static_cast<RequestStream&>(*r.stream); }
};

TEST_CASE("h2 answer window: the first one, then what is allowed, at most the stream's") {
  H2Pair pair(narrow());
  Get get(pair);
  CHECK(get.r.received == kFirst);
  get.stream().allow(kFirst / 2);
  pair.wire.run();
  CHECK(get.r.received == kFirst);
  get.stream().allow(5000);
  pair.wire.run();
  CHECK(get.r.received == 5000);
  get.stream().allow(SIZE_MAX);
  pair.wire.run();
  CHECK(get.r.received == 100'000);
}

TEST_CASE("h2 answer window: allowed with the request, and kept open as bytes are consumed") {
  H2Pair pair(narrow());
  Get get(pair, 5000);
  CHECK(get.r.received == 5000);
  for (size_t given = 0; get.r.stream != nullptr && given < 1000; ++given) {
    const size_t had = get.r.received;
    get.stream().consumed(had - get.r.bodySent);
    get.r.bodySent = had;
    pair.wire.run();
    if (get.r.stream != nullptr) CHECK(get.r.received - had <= 5000);
  }
  CHECK(get.r.received == kBody);
  CHECK(get.r.text() == "head:200 data end closed");
}

TEST_CASE("h2 answer window: on a connection whose SETTINGS the peer has not acknowledged yet") {
  ClientOwner owner;
  const auto codec = createH2ClientCodec(owner, narrow());
  Recorder r;
  RequestStream& stream = codec->openStream(r);
  stream.sendHeaders(makeRequest("GET", "/"), true);
  stream.allow(5000);
  Buffer out;
  codec->produce(out, SIZE_MAX);
  uint32_t opened = 0;
  for (const Frame& each : framesOf(out.toString())) {
    if (!each.is(kWindow) || each.stream != 1) continue;
    for (const char byte : each.payload)
      opened = opened << 8 | static_cast<unsigned char>(byte);
  }
  CHECK(opened == 5000 - kFirst);
  // The peer uses all of it before it says that it knows, and after.
  CHECK(codec->receive(Slice::copyOf(frame(kSettings, 0, 0, "") + response(1, "200", kEndHeaders) +
                                     frame(kData, 0, 1, std::string(5000, 'x')) + frame(kSettings, kAck, 0, ""))));
  CHECK(r.received == 5000);
  stream.consumed(5000);
  codec->produce(out, SIZE_MAX);
  CHECK(codec->receive(Slice::copyOf(frame(kData, kEndStream, 1, std::string(5000, 'x')))));
  CHECK(r.text() == "head:200 data end closed");
}

TEST_CASE("h2 answer window: what a server may send its client is what that said, less what waits") {
  H2Pair pair(narrow());
  Get get(pair);
  REQUIRE(pair.serverOwner.requests.size() == 1);
  CHECK(pair.serverOwner.requests[0]->answer->room() == 0);
  Recorder other;
  pair.serverOwner.onNew = nullptr;
  pair.open(other).sendHeaders(makeRequest("GET", "/"), true);
  pair.wire.run();
  CHECK(pair.serverOwner.requests[1]->answer->room() == kFirst);
}

}  // namespace
}  // namespace peerpulse::http::test
