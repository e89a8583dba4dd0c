// Goal: a request to the API is read as the design says, and what it asks wrongly is said; what goes to a peer is the
// caller's, without what was for us.
#include "call.h"

#include <initializer_list>
#include <utility>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::fanout;

namespace {

upstream::PeerSet peers(size_t count) {
  std::vector<upstream::PeerOptionsRef> list;
  for (size_t i = 0; i < count; ++i) {
    auto peer = std::make_shared<upstream::PeerOptions>();
    peer->id = PeerId{static_cast<uint32_t>(i)};
    peer->name = "node" + std::to_string(i + 2);
    peer->address = SocketAddress::parse("10.0.0." + std::to_string(i + 2) + ":9000").value();
    list.push_back(std::move(peer));
  }
  return {1, std::move(list)};
}

using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

http::RequestHead head(std::string method, std::string path, Fields fields = {}) {
  http::RequestHead head;
  head.method = std::move(method);
  head.path = std::move(path);
  for (const auto& [name, value] : fields)
    head.headers.add(name, value);
  return head;
}

Options options() {
  Options o;
  o.erasureSets = {
      {"set0", {{"node1", "d/1"}, {"node2", "d/1"}, {"node3", "d/1"}}, {{"node1", "d/2"}, {"node5", "d/2"}}}};
  return o;
}

Call call(const http::RequestHead& head, size_t count = 4) {
  auto read = readCall(head, peers(count), options());
  if (const auto* refusal = std::get_if<Refusal>(&read)) FAIL(refusal->message);
  return std::get<Call>(read);
}

Refusal refusal(const http::RequestHead& head, size_t count = 4) {
  const auto read = readCall(head, peers(count), options());
  REQUIRE(std::holds_alternative<Refusal>(read));
  return std::get<Refusal>(read);
}

std::string names(const Call& call) {
  std::string text;
  for (const auto& target : call.targets)
    text += target.peer->name + " ";
  return text;
}

}  // namespace

TEST_CASE("call: the path goes on behind the operation's name, its query too") {
  CHECK(call(head("PUT", "/quorum/a/b?x=/y")).path == "/a/b?x=/y");
  CHECK(call(head("POST", "/quorum/")).path == "/");
  CHECK(call(head("GET", "/aggregate//x")).path == "//x");
  CHECK(call(head("POST", "/notify/x")).operation == Operation::kNotify);
  CHECK(refusal(head("POST", "/quorum")).status == 404);
  CHECK(refusal(head("POST", "/quorumx/y")).status == 404);
  CHECK(refusal(head("OPTIONS", "*")).status == 404);
  CHECK(refusal(head("DELETE", "/quorum/x")).allow == "POST, PUT, GET");
  CHECK(refusal(head("", "/aggregate/x")).status == 405);
}

TEST_CASE("call: a majority is of all nodes, this one among them") {
  const std::pair<size_t, uint32_t> rows[] = {{2, 2}, {3, 3}, {4, 3}, {5, 4}, {6, 4}};
  for (const auto& [count, required] : rows)
    CHECK(call(head("POST", "/quorum/x"), count).required == required);
  CHECK(refusal(head("POST", "/quorum/x"), 1).error == "quorum_impossible");
  CHECK(call(head("POST", "/quorum/x", {{"Peerpulse-Quorum", " all "}})).required == 4);
  CHECK(call(head("POST", "/quorum/x", {{"peerpulse-quorum", "1"}})).required == 1);
  for (const char* bad : {"0", "-1", "1.5", "two", "99999999999", "1 2"})
    CHECK(refusal(head("POST", "/quorum/x", {{"peerpulse-quorum", bad}})).error == "bad_quorum");
}

TEST_CASE("call: peers in the order in which they are named") {
  CHECK(names(call(head("GET", "/aggregate/x"))) == "node2 node3 node4 node5 ");
  CHECK(names(call(head("GET", "/aggregate/x", {{"peerpulse-peers", "node5,\t node3"}}))) == "node5 node3 ");
  CHECK(refusal(head("GET", "/aggregate/x", {{"peerpulse-peers", "node5,,node3"}})).error == "unknown_peer");
  CHECK(refusal(head("GET", "/aggregate/x", {{"peerpulse-peers", "node5,node5"}})).error == "duplicate_peer");
  CHECK(refusal(head("GET", "/aggregate/x", {{"peerpulse-peers", ""}})).error == "no_peers");
  const std::string message = refusal(head("GET", "/aggregate/x", {{"peerpulse-peers", "mars"}})).message;
  CHECK(message == "peerpulse-peers: \"mars\" is not one of node2, node3, node4, node5");
  const std::string endless(10'000, 'x');
  CHECK(refusal(head("GET", "/aggregate/x", {{"peerpulse-peers", endless}})).message.size() < 200);
}

TEST_CASE("call: a field in several lines is one list, and no number") {
  const Call read = call(head("GET", "/aggregate/x", {{"peerpulse-peers", "node2"}, {"Peerpulse-Peers", "node4"}}));
  REQUIRE(read.targets.size() == 2);
  CHECK(read.targets[1].peer->name == "node4");
  CHECK(refusal(head("PUT", "/quorum/x", {{"peerpulse-quorum", "2"}, {"peerpulse-quorum", "3"}})).error ==
        "bad_quorum");
  CHECK(refusal(head("PUT", "/quorum/x", {{"peerpulse-timeout", "2s"}, {"peerpulse-timeout", "3s"}})).error ==
        "bad_timeout");
}

TEST_CASE("call: pages of browsers are refused, whatever their origin") {
  for (const char* origin : {"http://evil.example", "null", "http://127.0.0.1:9902"})
    CHECK(refusal(head("POST", "/notify/x", {{"Origin", origin}})).status == 403);
}

TEST_CASE("call: a peer at a unix socket has no path as its authority") {
  auto peer = std::make_shared<upstream::PeerOptions>();
  peer->address = *SocketAddress::parse("unix:/run/peer.sock");
  CHECK(headFor(head("PUT", "/quorum/x"), {peer, "/x", {}}).authority.empty());
}

TEST_CASE("call: a shard goes to its own disk, then to spares of other nodes than this") {
  const Call read = call(head("PUT", "/erasure/set0/1/bucket/a//b?x"));
  REQUIRE(read.targets.size() == 2);
  CHECK(read.targets[0].disk == "node2/d/1");
  CHECK(read.targets[0].path == "/d/1/bucket/a//b?x");
  CHECK(read.targets[1].disk == "node5/d/2");
  CHECK(refusal(head("PUT", "/erasure/set0/0/x")).error == "local_shard");
  CHECK(refusal(head("PUT", "/erasure/set9/0/x")).error == "unknown_set");
  for (const char* shard : {"3", "-1", "x", "", "1x", "99999999999999999999"})
    CHECK(refusal(head("PUT", "/erasure/set0/" + std::string(shard) + "/x")).error == "unknown_shard");
  CHECK(refusal(head("PUT", "/erasure/")).error == "unknown_set");
  CHECK(refusal(head("POST", "/erasure/set0/1/x")).allow == "PUT");
}

TEST_CASE("call: the caller's deadline, whichever is shorter") {
  CHECK_FALSE(call(head("POST", "/notify/x")).deadline);
  CHECK(call(head("POST", "/notify/x", {{"peerpulse-timeout", "500ms"}})).deadline == milliseconds(500));
  CHECK(call(head("POST", "/notify/x", {{"grpc-timeout", "2S"}})).deadline == seconds(2));
  CHECK(call(head("POST", "/notify/x", {{"grpc-timeout", "2S"}, {"peerpulse-timeout", "1s"}})).deadline ==
        seconds(1));
  for (const char* bad : {"", "0s", "5", "-1s", "1e3s"})
    CHECK(refusal(head("POST", "/notify/x", {{"peerpulse-timeout", bad}})).error == "bad_timeout");
}

TEST_CASE("call: a peer gets the caller's head under its own name, without our fields") {
  http::RequestHead from =
      head("PUT", "/quorum/x?y",
           {{"Peerpulse-Quorum", "2"}, {"Expect", "100-continue"}, {"X-Mine", "1"}, {"peerpulse", "no"}});
  from.authority = "127.0.0.1:9902";
  from.contentLength = 7;
  const Call read = call(from);
  const http::RequestHead to = headFor(from, read.targets[1]);
  CHECK(to.method == "PUT");
  CHECK(to.path == "/x?y");
  CHECK(to.authority == "10.0.0.3:9000");
  CHECK(to.contentLength == 7);
  CHECK(to.headers.count() == 2);
  CHECK(to.headers.find("x-mine") == "1");
  CHECK(to.headers.has("peerpulse"));
}

TEST_CASE("call: hedging is for reads without a body") {
  const auto asked = [](std::string method, std::string path, std::string hedge) {
    http::RequestHead h = head(std::move(method), std::move(path));
    h.headers.add("peerpulse-hedge", hedge);
    h.complete = true;
    return h;
  };
  CHECK(call(asked("GET", "/aggregate/x", "auto")).hedge.automatic);
  CHECK(call(asked("GET", "/quorum/x", " 20ms ")).hedge.delay == milliseconds(20));
  CHECK_FALSE(call(asked("GET", "/quorum/x", "off")).hedge.wanted());
  CHECK_FALSE(call(asked("PUT", "/quorum/x", "off")).hedge.wanted());
  for (const char* value : {"", "on", "0ms", "-1ms", "20", "auto, off"}) {
    CAPTURE(value);
    CHECK(refusal(asked("GET", "/aggregate/x", value)).error == "bad_hedge");
  }
  CHECK(refusal(asked("PUT", "/quorum/x", "auto")).error == "no_read");
  CHECK(refusal(asked("POST", "/notify/x", "20ms")).error == "no_read");
  CHECK(refusal(asked("PUT", "/erasure/set0/1/x", "auto")).error == "no_read");
  http::RequestHead withBody = asked("GET", "/aggregate/x", "auto");
  withBody.complete = false;
  CHECK(refusal(withBody).error == "no_read");
}

TEST_CASE("call: what the configuration says of hedging holds for reads that do not say") {
  Options o = options();
  o.hedge.delay = milliseconds(5);
  const auto delayOf = [&](const http::RequestHead& h) {
    return std::get<Call>(readCall(h, peers(4), o)).hedge.delay;
  };
  http::RequestHead read = head("GET", "/aggregate/x");
  read.complete = true;
  CHECK(delayOf(read) == milliseconds(5));
  CHECK(delayOf(head("PUT", "/quorum/x")) == Duration::zero());
  read.headers.add("peerpulse-hedge", "off");
  CHECK(delayOf(read) == Duration::zero());
}
