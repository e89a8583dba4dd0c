// Goal: a leg ends exactly once, whatever its peer does, and acknowledges only what the attempt that answered has sent.
#include "fanout_world.h"

using namespace peerpulse;
using namespace peerpulse::fanout;
using namespace peerpulse::fanout::test;
using peerpulse::test::ServedRequest;

namespace {

std::string stateOf(const nlohmann::json& answer, size_t peer = 0) { return answer["peers"][peer]["state"]; }

using Fields = std::vector<std::pair<std::string, std::string>>;
const Fields kOnlyNode2 = {{"peerpulse-peers", "node2"}, {"peerpulse-quorum", "all"}};

}  // namespace

TEST_CASE("leg: an event stream is no answer that may last") {
  FanoutWorld w;
  w.remote(0).onRequest = [](ServedRequest& served) {
    http::ResponseHead head;
    head.status = 200;
    head.headers.add("content-type", "text/event-stream");
    served.stream->sendHeaders(head, false);
  };
  CHECK(stateOf(w.answerTo(w.ask("GET", "/aggregate/x", "", {{"peerpulse-peers", "node2"}}))) == "timeout");
  CHECK(stateOf(w.answerTo(w.ask("PUT", "/quorum/x", "data", kOnlyNode2))) == "timeout");
  const std::string large(100'000, 'x');
  CHECK(stateOf(w.answerTo(w.ask("PUT", "/quorum/x", large, kOnlyNode2))) == "timeout");
}

TEST_CASE("leg: an answer beyond the limit is given up, kept or not") {
  FanoutWorld w([](Options& o) { o.answerLimit = 1000; });
  w.remote(0).onRequest = [](ServedRequest& served) { served.answer(200, std::string(1001, 'x')); };
  CHECK(stateOf(w.answerTo(w.ask("GET", "/aggregate/x", "", {{"peerpulse-peers", "node2"}}))) == "too_large");
  const nlohmann::json answer = w.answerTo(w.ask("PUT", "/quorum/x", "data", kOnlyNode2));
  CHECK(stateOf(answer) == "too_large");
  CHECK(answer["peers"][0]["uncertain"] == true);  // it said 200 to all of it
  w.remote(0).onRequest = [](ServedRequest& served) { served.answer(200, std::string(1000, 'x')); };
  CHECK(stateOf(w.answerTo(w.ask("PUT", "/quorum/x", "data", kOnlyNode2))) == "ok");
}

TEST_CASE("leg: who refuses provably has nothing; who breaks off after all of it may have it") {
  FanoutWorld w;
  w.remote(0).onRequest = [](ServedRequest& served) { served.refuse(); };
  const nlohmann::json refused = w.answerTo(w.ask("PUT", "/quorum/x", "data", kOnlyNode2));
  CHECK(stateOf(refused) == "failed");
  CHECK_FALSE(refused["peers"][0].contains("uncertain"));
  w.remote(0).onRequest = {};
  ClientRequest& request = w.ask("PUT", "/quorum/hang", "data", kOnlyNode2);
  const size_t before = w.remote(0).requests.size();
  w.until([&] { return w.remote(0).requests.size() > before || w.remote(0).last().ended; });
  w.settle();
  w.remote(0).connections.back()->abort();
  const nlohmann::json broken = w.answerTo(request);
  CHECK(stateOf(broken) == "failed");
  CHECK(broken["peers"][0]["uncertain"] == true);
}

// The first attempt had sent all of it, and was refused; the second is answered before it has.
TEST_CASE("leg: an acknowledgement is of the attempt that is answered") {
  FanoutWorld w;
  int tries = 0;
  std::string method;
  w.remote(0).onRequest = [&](ServedRequest& served) {
    served.takes = ++tries == 1;
    if (tries == 2) served.answer(200, "at once");
  };
  const std::string large(3 << 20, 'x');  // beyond a peer's window
  ClientRequest& request = w.ask("PUT", "/quorum/x", large, kOnlyNode2);
  w.until([&] { return tries == 1 && w.remote(0).last().ended; });
  w.remote(0).last().refuse();
  const nlohmann::json answer = w.answerTo(request);
  CHECK(tries == 2);
  CHECK(stateOf(answer) == "failed");
}

namespace {

const std::string kSent = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";
const std::string kOther = "sha-256=:zgYJL7lI2f+sfRo3bkBLJrdXW8wR7gWkYV/vT+w6MIs=:";

/// 201, once it has the whole request.
void acknowledge(FanoutWorld& w, size_t peer, const std::string& digest, const std::string& content = "",
                 bool trailing = false) {
  MemoryPeer& remote = w.remote(peer);
  w.until([&] { return !remote.requests.empty() && remote.last().ended && remote.last().stream != nullptr; });
  http::ResponseHead head;
  head.status = 201;
  http::HeaderList trailers;
  (trailing ? trailers : head.headers).add("content-digest", digest);
  ServedRequest& served = remote.last();
  served.stream->sendHeaders(head, false);
  if (!content.empty()) served.stream->sendData(Slice::copyOf(content));
  served.stream->sendEnd(trailers);
}

}  // namespace

TEST_CASE("leg: who acknowledges something else than was sent has not acknowledged it") {
  FanoutWorld w;
  Fields digest = kOnlyNode2;
  digest.emplace_back("content-digest", kSent);
  const auto answered = [&](const Fields& fields, const std::string& acknowledged, const std::string& content = "") {
    ClientRequest& request = w.ask("PUT", "/quorum/hang", "hello", fields);
    acknowledge(w, 0, acknowledged, content);
    return w.answerTo(request);
  };
  CHECK(stateOf(answered(digest, kSent)) == "ok");
  const nlohmann::json other = answered(digest, kOther);
  CHECK(stateOf(other) == "digest_mismatch");
  CHECK(other["error"] == "quorum_not_reached");
  CHECK(other["peers"][0]["status"] == 201);
  CHECK_FALSE(other["peers"][0].contains("uncertain"));
  CHECK(w.stats.peer(PeerId{0}).failuresTotal.get() == 0);
  CHECK(stateOf(answered(digest, kOther, "the digest is of this, as far as anybody knows")) == "ok");
  CHECK(stateOf(answered(kOnlyNode2, kOther)) == "ok");
  CHECK(w.remote(0).connections.size() == 1);  // the peer's answer was whole each time
}

TEST_CASE("leg: digests may stand in trailers, of both sides") {
  FanoutWorld w;
  ClientRequest& request = w.caller().open("PUT", "/quorum/hang");
  request.stream->sendData(Slice::copyOf("hello"));
  http::HeaderList trailers;
  trailers.add("content-digest", kSent);
  request.stream->sendEnd(trailers);
  acknowledge(w, 0, kSent, "", true);
  acknowledge(w, 1, kOther, "", true);
  const nlohmann::json answer = w.answerTo(request);  // of three, all are needed
  CHECK(stateOf(answer, 0) == "ok");
  CHECK(stateOf(answer, 1) == "digest_mismatch");
}
