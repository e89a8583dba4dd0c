// Goal: both directions of a request arrive byte for byte, in bounded memory, at the pace of whoever is slower; and each
// may end before the other.
#include "request_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;
using http::Version;
using State = Request::State;

namespace {

constexpr Version kVersions[] = {Version::kHttp11, Version::kHttp2};

// Numbers, so that a byte in the wrong place shows.
std::string numbers(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i)
    text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

Wish upload(std::string path, Version version) {
  Wish wish;
  wish.path = std::move(path);
  wish.version = version;
  wish.bodyByHand = true;
  wish.trafficClass = TrafficClass::kBulk;
  return wish;
}

Wish download(std::string path, Version version) {
  Wish wish;
  wish.path = std::move(path);
  wish.version = version;
  wish.trafficClass = TrafficClass::kBulk;
  return wish;
}

void giveInPieces(Owner& owner, std::string_view body, size_t piece) {
  for (; !body.empty(); body.remove_prefix(std::min(piece, body.size())))
    owner.give(body.substr(0, piece));
}

}  // namespace

TEST_CASE("request flow: a body larger than every buffer arrives whole, and is credited byte for byte") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    const std::string body = numbers(3'000'000);
    Owner& owner = w.ask(upload("/echo", version));
    giveInPieces(owner, body, 10'000);
    owner.giveEnd();
    w.until([&] { return owner.story().over(); });
    CHECK(w.remote.last().body == body);
    CHECK(owner.story().body == body);
    CHECK(owner.story().credit == body.size());
    CHECK(owner.request().bodyBytesSent() == body.size());
  }
}

TEST_CASE("request flow: a request without an authority is sent with the peer's") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Wish wish = download("/test", version);
    w.send(wish);
    CHECK(w.remote.last().head.authority == "peer");
    wish.authority.clear();
    Owner& owner = w.send(wish);
    CHECK(w.remote.last().head.authority == "10.0.0.2:9000");
    w.remote.last().answer(204, "");
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().status == 204);
  }
}

TEST_CASE("request flow: what is given before there is a stream waits, and goes first") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    w.change(health::Verdict::kSuspect);
    Owner& owner = w.ask(upload("/echo", version));
    owner.give("held ");
    w.change(health::Verdict::kAlive);
    owner.give("waiting ");
    CHECK(owner.story().credit == 0);
    w.until([&] { return owner.request().state() == State::kSending; });
    owner.give("sending");
    owner.giveEnd();
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().body == "held waiting sending");
    CHECK(owner.story().credit == 20);
  }
}

TEST_CASE("request flow: no credit for what the peer does not take") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Owner& owner = w.send(upload("/hold", version));
    giveInPieces(owner, std::string(5'000'000, 'x'), 50'000);
    w.run(seconds(1));
    const uint64_t credit = owner.story().credit;
    // The peer's window and what its kernel and ours hold.
    CHECK(credit > 0);
    CHECK(credit < 2'000'000);
    w.run(seconds(1));
    CHECK(owner.story().credit == credit);
    w.remote.last().takes = true;
    w.remote.last().stream->consumed(w.remote.last().body.size());
    owner.giveEnd();
    w.until([&] { return w.remote.last().ended; });
    CHECK(w.remote.last().body.size() == 5'000'000);
  }
}

TEST_CASE("request flow: the peer sends no more than the window of an owner who does not take it") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Owner& owner = w.send(download("/test", version));
    owner.consumes = false;
    const std::string body = numbers(5'000'000);
    w.remote.last().answer(200, body);
    w.run(seconds(1));
    const size_t got = owner.story().body.size();
    CHECK(got > 0);
    CHECK(got <= w.context.limits.streamWindow + 300'000);  // h1: a read beyond it
    w.run(seconds(1));
    CHECK(owner.story().body.size() == got);
    owner.consumes = true;
    owner.consume();
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().body == body);
  }
}

TEST_CASE("request flow: an answer that waits for its reader does not wait to end on the wire") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Owner& owner = w.send(download("/test", version));
    owner.consumes = false;
    w.remote.last().answer(200, numbers(100'000));
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().body == numbers(100'000));
    owner.consume();  // after the end: no-op
    w.answered(version, TrafficClass::kBulk);
    CHECK(w.remote.connections.size() == 1);
  }
}

TEST_CASE("request flow: trailers of both directions") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Owner& owner = w.ask(upload("/test", version));
    owner.give("body");
    http::HeaderList trailers;
    trailers.add("x-checksum", "abc");
    owner.request().sendEnd(std::move(trailers));
    w.until([&] { return !w.remote.requests.empty() && w.remote.last().ended; });
    CHECK(w.remote.last().trailers.find("x-checksum") == "abc");
    http::HeaderList back;
    back.add("grpc-status", "0");
    w.remote.last().answer(200, "answer", back);
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().trailers.find("grpc-status") == "0");
    CHECK(owner.story().events == "sent head data trailers end closed");
  }
}

TEST_CASE("request flow: an empty body ends, and a body of nothing but an end") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Owner& owner = w.ask(upload("/echo", version));
    owner.giveEnd();
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().status == 200);
    CHECK(owner.story().body.empty());
    CHECK(owner.story().credit == 0);
  }
}

TEST_CASE("request flow: interim answers are told as they come, before the answer") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Owner& owner = w.send(upload("/test", version));
    w.remote.last().inform(100);
    w.settle();
    CHECK(owner.story().events == "100");
    CHECK(owner.request().state() == State::kSending);
    owner.give("body");
    owner.giveEnd();
    w.remote.last().inform(103);
    w.settle();
    w.remote.last().answer(200, "");
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().closed);
    CHECK(w.outcomes.seen.size() == 1);  // an interim answer is none
  }
}

TEST_CASE("request flow: an answer may come before the request's end, and then the end") {
  RequestWorld w;
  Owner& owner = w.send(upload("/test", Version::kHttp2));
  owner.give("first ");
  w.remote.last().begin(200, std::nullopt);
  w.remote.last().stream->sendData(Slice::copyOf("answers "));
  w.settle();
  CHECK(owner.request().state() == State::kAnswering);
  owner.give("second");
  owner.giveEnd();
  w.settle();
  CHECK(w.remote.last().body == "first second");
  w.remote.last().stream->sendData(Slice::copyOf("late"));
  w.remote.last().stream->sendEnd();
  w.until([&] { return owner.story().over(); });
  CHECK(owner.story().body == "answers late");
  CHECK(owner.story().credit == 12);
}

TEST_CASE("request flow: an early answer that is complete closes the request, given to its end or not") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    Owner& owner = w.send(upload("/test", version));
    owner.give("a part");
    w.settle();
    w.remote.last().answer(413, "too large");
    w.until([&] { return owner.story().over(); });
    CHECK(owner.story().closed);
    CHECK(owner.story().body == "too large");
    owner.give("more");  // nobody wants it
    owner.giveEnd();
    w.answered(version, TrafficClass::kBulk);
  }
}

TEST_CASE("request flow: what was kept to be sent again is let go when the answer comes") {
  RequestWorld w;
  Owner& owner = w.send(upload("/test", Version::kHttp2));
  Block* const block = Block::create(4000);
  const Slice body(BlockRef::adopt(block), block->data(), 4000);
  owner.give(body);
  w.settle();
  CHECK(owner.story().credit == 4000);
  CHECK_FALSE(block->unique());
  w.remote.last().begin(200, std::nullopt);
  w.settle();
  CHECK(block->unique());
}

TEST_CASE("request flow: the first tunnel of a fresh connection waits for the peer's SETTINGS, and is tried once") {
  for (const Version version : kVersions) {
    CAPTURE(http::toString(version));
    RequestWorld w([](Options& o) { o.retry.maxRetries = 0; }, Protocol::kHttp2);
    w.network.setPaths(w.here, w.there, {milliseconds(40), {}, 0, milliseconds(5)});
    Wish wish = download("/tunnel", version);
    wish.method = version == Version::kHttp2 ? "CONNECT" : "GET";
    wish.bodyByHand = version == Version::kHttp2;
    wish.upgrade = "test";
    Owner& owner = w.send(wish);
    CHECK(w.remote.last().head.method == "CONNECT");
    CHECK(w.remote.last().head.upgrade == "test");
    w.remote.last().switchProtocols();
    w.until([&] { return owner.story().status != 0; });
    CHECK(owner.story().status == 101);
    CHECK(w.remote.connections.size() == 1);
    CHECK(w.peerStats().retriesTotal.get() == 0);
    owner.request().cancel();
  }
}

TEST_CASE("request flow: a tunnel's two directions end apart") {
  for (const auto& row : {std::pair{false, Protocol::kAuto}, std::pair{true, Protocol::kAuto},
                          std::pair{false, Protocol::kHttp2}, std::pair{true, Protocol::kHttp2}}) {
    const bool peerFirst = row.first;
    CAPTURE(peerFirst);
    CAPTURE(toString(row.second));
    RequestWorld w({}, row.second);
    Wish wish = download("/tunnel", Version::kHttp11);
    wish.upgrade = "test";
    Owner& owner = w.send(wish);
    w.remote.last().switchProtocols();
    w.settle();
    CHECK(owner.story().status == 101);
    owner.give("to the peer");
    w.remote.last().stream->sendData(Slice::copyOf("to the client"));
    w.settle();
    CHECK(w.remote.last().body == "to the peer");
    CHECK(owner.story().body == "to the client");
    if (peerFirst) {
      w.remote.last().stream->sendEnd();
      w.settle();
      CHECK(owner.request().state() == State::kAnswered);
      owner.give(", still");
      owner.giveEnd();
    } else {
      owner.giveEnd();
      w.settle();
      CHECK(owner.request().state() == State::kAnswering);
      w.remote.last().stream->sendData(Slice::copyOf(", still"));
      w.remote.last().stream->sendEnd();
    }
    w.until([&] { return owner.story().over(); });
    w.settle();
    CHECK(owner.story().closed);
    CHECK((peerFirst ? w.remote.last().body : owner.story().body).ends_with(", still"));
    CHECK(owner.story().credit == (peerFirst ? 18 : 11));
  }
}

TEST_CASE("request flow: requests side by side on one h2 connection do not wait for the slowest of them") {
  RequestWorld w;
  Owner& slow = w.send(download("/test", Version::kHttp2));
  slow.consumes = false;
  w.remote.last().answer(200, numbers(2'000'000));
  w.run(milliseconds(100));
  for (int i = 0; i < 5; ++i) {
    Owner& quick = w.send(download("/test", Version::kHttp2));
    w.remote.last().answer(200, numbers(700'000));
    w.until([&] { return quick.story().over(); });
    CHECK(quick.story().body == numbers(700'000));
  }
  CHECK(w.remote.connections.size() == 1);
  slow.consumes = true;
  slow.consume();
  w.until([&] { return slow.story().over(); });
}
