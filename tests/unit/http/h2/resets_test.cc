// Goal: however many streams our users give up at once, the peer never has more than eight resets before it that it has not
// heard of, and no other stream pays for it.
// Method: a client codec against raw frames of a server that counts as hyper does.
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../test_peers.h"
#include "frames.h"

namespace peerpulse::http::test {
namespace {

struct Many {
  explicit Many(size_t n, std::string method = "GET") {
    hear(frame(kSettings, 0, 0, "") + frame(kSettings, kAck, 0, ""));
    open(n, method);
    take();
  }
  void open(size_t n, const std::string& method = "GET") {
    for (size_t i = 0; i < n; ++i) {
      requests.push_back(std::make_unique<Recorder>());
      RequestStream& stream = codec->openStream(*requests.back());
      requests.back()->stream = &stream;
      stream.sendHeaders(makeRequest(method, "/"), method == "GET");
    }
  }
  void hear(const std::string& frames) { CHECK(codec->receive(Slice::copyOf(frames))); }
  void ack() { hear(frame(kSettings, kAck, 0, "")); }
  std::vector<Frame> take() {
    Buffer out;
    codec->produce(out, SIZE_MAX);
    return framesOf(out.toString());
  }
  void reset(size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) {
      requests[i]->stream->reset(ResetReason::kCancel);
      requests[i]->stream = nullptr;
    }
  }
  ClientOwner owner;
  std::unique_ptr<ClientCodec> codec = createH2ClientCodec(owner, CodecLimits{});
  std::vector<std::unique_ptr<Recorder>> requests;
};

uint32_t idOf(size_t request) { return static_cast<uint32_t>(2 * request + 1); }

TEST_CASE("h2 resets: eight, then the peer is asked, and the next eight when it has answered") {
  Many m(30);
  m.reset(0, 30);
  CHECK(m.codec->activeStreams() == 0);
  size_t sent = 0;
  for (int round = 0; round < 3; ++round) {
    const auto frames = m.take();
    CHECK(countOf(frames, kRst) == 8);
    sent += countOf(frames, kRst);
    REQUIRE(frames.back().is(kSettings));  // after the last of them
    CHECK(countOf(m.take(), kRst) == 0);
    m.ack();
  }
  sent += countOf(m.take(), kRst);
  CHECK(sent == 30);
  for (const auto& r : m.requests)
    CHECK(r->text() == "");
}

TEST_CASE("h2 resets: a few need no question, and one now and then never one") {
  Many m(1);
  m.reset(0, 1);
  CHECK(countOf(m.take(), kSettings) == 0);
  // An answer to a later request proves as much as an ACK.
  for (size_t i = 1; i < 100; i += 2) {
    m.open(2);
    m.take();
    m.reset(i, i + 1);
    const auto frames = m.take();
    CHECK(countOf(frames, kRst) == 1);
    CHECK(countOf(frames, kSettings) == 0);
    m.hear(response(idOf(i + 1), "200", kEndHeaders | kEndStream));
  }
}

TEST_CASE("h2 resets: streams that were answered do not wait") {
  Many m(20);
  for (size_t i = 0; i < 20; ++i)
    m.hear(response(idOf(i), "200", kEndHeaders) + frame(kData, 0, idOf(i), "body"));
  m.reset(0, 20);
  CHECK(countOf(m.take(), kRst) == 20);
  CHECK_FALSE(m.codec->wornOut());
}

TEST_CASE("h2 resets: a stream that waits takes nothing, and may end or be answered meanwhile") {
  Many m(12);
  m.reset(0, 12);
  CHECK(countOf(m.take(), kRst) == 8);
  m.hear(response(idOf(10), "200", kEndHeaders) + frame(kData, kEndStream, idOf(10), "late"));  // ended: no reset
  m.hear(response(idOf(11), "200", kEndHeaders) + frame(kData, 0, idOf(11), "late"));           // answered
  auto frames = m.take();
  CHECK(countOf(frames, kRst) == 1);
  m.hear(frame(kRst, 0, idOf(9), bytes32(8)));  // the peer's own
  m.ack();
  frames = m.take();
  CHECK(countOf(frames, kRst) == 1);
  for (const auto& r : m.requests)
    CHECK(r->text() == "");
  CHECK(m.codec->canOpenStream());
}

TEST_CASE("h2 resets: requests that were never sent are dropped without a word") {
  Many m(8);
  m.reset(0, 8);
  CHECK(countOf(m.take(), kRst) == 8);
  m.open(20);
  m.reset(8, 28);
  const auto frames = m.take();
  CHECK(countOf(frames, kRst) == 0);
  CHECK(countOf(frames, kHeaders) == 0);
  CHECK_FALSE(m.codec->wornOut());
}

TEST_CASE("h2 resets: too many that wait wear the connection out, until the peer has heard") {
  Many m(40);
  const int before = m.owner.capacityChanges;
  m.reset(0, 24);
  m.take();
  CHECK_FALSE(m.codec->wornOut());
  CHECK(m.codec->canOpenStream());
  m.reset(24, 25);
  CHECK(m.codec->wornOut());
  CHECK_FALSE(m.codec->canOpenStream());
  m.take();
  CHECK(m.owner.capacityChanges > before);
  // The others go on.
  m.hear(response(idOf(30), "200", kEndHeaders | kEndStream));
  CHECK(m.requests[30]->text() == "head:200 end closed");
  const int worn = m.owner.capacityChanges;
  m.ack();
  m.take();
  CHECK_FALSE(m.codec->wornOut());
  CHECK(m.owner.capacityChanges > worn);
}

TEST_CASE("h2 resets: a retired connection with nothing else on it waits for nobody") {
  Many m(30, "POST");
  m.reset(0, 29);
  CHECK(countOf(m.take(), kRst) == 8);
  m.codec->drain();
  CHECK(countOf(m.take(), kRst) == 0);  // one stream still lives
  m.requests[29]->stream->reset(ResetReason::kCancel);
  CHECK(countOf(m.take(), kRst) == 22);
  CHECK(m.codec->finished());
}

TEST_CASE("h2 resets: the end of a connection with resets that wait") {
  Many m(30);
  m.reset(0, 29);
  m.take();
  m.codec->connectionLost("power cut");
  CHECK(m.requests[29]->text() == "reset:connection_closed");
  CHECK(m.requests[28]->text() == "");
  CHECK(m.codec->finished());
  CHECK_FALSE(m.codec->canOpenStream());
}

}  // namespace
}  // namespace peerpulse::http::test
