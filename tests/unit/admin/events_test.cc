#include <cstdlib>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "fixture.h"

using namespace peerpulse;
using namespace peerpulse::admin::test;
using admin::EventLog;
using health::Verdict;
using Json = nlohmann::json;

namespace {

std::string subscription(const Fixture& f, const std::string& head = "") {
  return "GET /events HTTP/1.1\r\nHost: " + f.host() + "\r\n" + head + "\r\n";
}

}  // namespace

TEST_CASE("the log keeps the last 1,024 events and each peer's last time") {
  const WallTime started(seconds(5));
  EventLog log(2, started);
  CHECK(log.since(PeerId{0}) == started);
  CHECK(log.after(0).empty());
  health::Transition t;
  t.peer = PeerId{1};
  for (int i = 0; i < 1500; ++i) {
    log.changed(t.peer, WallTime(seconds(100 + i)));
    log.add(t, WallTime(seconds(100 + i)));
  }
  CHECK(log.since(PeerId{0}) == started);
  CHECK(log.since(PeerId{1}) == WallTime(seconds(1599)));
  CHECK(log.lastSequence() == 1500);
  const auto all = log.after(0);
  REQUIRE(all.size() == EventLog::kCapacity);
  CHECK(all.front().sequence == 477);
  CHECK(all.back().sequence == 1500);
  CHECK(log.after(1498).size() == 2);
  CHECK(log.after(1498).front().sequence == 1499);
  CHECK(log.after(1500).empty());
  CHECK(log.after(9999).empty());
}

TEST_CASE("history shows transitions with their evidence") {
  Fixture f;
  f.addEvent(1, Verdict::kSuspect, Verdict::kDead);
  f.addEvent(1, Verdict::kDead, Verdict::kAlive);
  const Json events = Json::parse(f.get("/events?history=1").body)["events"];
  REQUIRE(events.size() == 2);
  const Json& dead = events[0];
  CHECK(dead["event"] == "transition");
  CHECK(dead["at"] == "2027-01-15T08:00:00.000000Z");
  CHECK(dead["peer"] == "node3");
  CHECK(dead["from"] == "suspect");
  CHECK(dead["to"] == "dead");
  CHECK(dead["circuit"] == "open");
  CHECK(dead["reason"] == "probe_silence");
  CHECK(dead["generation"] == 7);
  CHECK(dead["monotonic_ns"] == 100'000'000'000);
  CHECK(dead["detection_ms"] == 66.0);
  CHECK(dead["evidence"]["silence_ms"] == 66.25);
  CHECK(dead["evidence"]["unacked"] == 3);
  CHECK(dead["evidence"]["process_silence_ms"] == nullptr);
  CHECK(dead["evidence"]["error"] == "EHOSTUNREACH");
  CHECK(events[1]["to"] == "alive");
  CHECK_FALSE(events[1].contains("detection_ms"));
}

TEST_CASE("warnings and changes of this host are events too, and do not change a peer's since") {
  Fixture f;
  Client client(f.address());
  client.send(subscription(f));
  client.readUntilText(": peerpulse events");
  const WallTime at(seconds(1'800'000'000));
  const WallTime since = f.events.since(PeerId{1});
  health::Degrading warning;
  warning.peer = PeerId{1};
  warning.at = TimePoint(seconds(100));
  warning.decline.from.baseline = microseconds(210);
  warning.decline.to.factors = {0.31, 0.9, 1, 1};
  warning.decline.to.rtt = milliseconds(8);
  warning.decline.to.baseline = microseconds(240);
  warning.decline.to.loss = 0.0112;
  warning.decline.over = milliseconds(10'020);
  warning.decline.factor = health::ScoreFactor::kRtt;
  f.events.add(warning, at);
  f.events.add(admin::LocalChange{health::LocalState::kOk, health::LocalState::kSuspect, warning.at}, at);
  CHECK(f.events.since(PeerId{1}) == since);

  const Json events = Json::parse(f.get("/events?history=1").body)["events"];
  REQUIRE(events.size() == 2);
  const Json& degrading = events[0];
  CHECK(degrading["event"] == "degrading");
  CHECK(degrading["sequence"] == 1);
  CHECK(degrading["at"] == "2027-01-15T08:00:00.000000Z");
  CHECK(degrading["peer"] == "node3");
  CHECK(degrading["score_from"] == 1.0);
  CHECK(degrading["score"] == 0.279);
  CHECK(degrading["over_ms"] == 10'020.0);
  CHECK(degrading["factor"] == "rtt");
  CHECK(degrading["monotonic_ns"] == 100'000'000'000);
  CHECK(degrading["evidence"]["from"]["baseline_us"] == 210);
  CHECK(degrading["evidence"]["to"]["rtt_us"] == 8000);
  CHECK(degrading["evidence"]["to"]["baseline_us"] == 240);
  CHECK(degrading["evidence"]["to"]["loss"] == 0.011);
  CHECK(events[1]["event"] == "local_health");
  CHECK(events[1]["local_health_from"] == "ok");
  CHECK(events[1]["local_health"] == "suspect");
  CHECK_FALSE(events[1].contains("peer"));

  const std::string text = client.readUntilText("id: 2\n");
  CHECK(text.find("id: 1\nevent: degrading\ndata: {\"at\":") != std::string::npos);
  CHECK(client.readUntilText("\"suspect\"").find("id: 2\nevent: local_health\ndata: ") != std::string::npos);
}

TEST_CASE("that a peer is probed in another way is an event too") {
  Fixture f;
  health::RungChange change;
  change.peer = PeerId{1};
  change.to = {health::ProbeMode::kL4, health::HostMeans::kEcho, health::ProcessMeans::kRequest};
  change.at = TimePoint(seconds(100));
  const WallTime since = f.events.since(PeerId{1});
  f.events.add(change, WallTime(seconds(1'800'000'000)));
  CHECK(f.events.since(PeerId{1}) == since);
  const Json events = Json::parse(f.get("/events?history=1").body)["events"];
  REQUIRE(events.size() == 1);
  CHECK(events[0]["event"] == "probe");
  CHECK(events[0]["peer"] == "node3");
  CHECK(events[0]["probe_from"] == Json{{"mode", "fast_ping"}, {"host", "ping"}, {"process", "ping"}});
  CHECK(events[0]["probe"] == Json{{"mode", "l4"}, {"host", "icmp"}, {"process", "request"}});
  CHECK(events[0]["monotonic_ns"] == 100'000'000'000);
}

TEST_CASE("what the guard does is an event") {
  Fixture f;
  guard::GuardChange change;
  change.peer = PeerId{1};
  change.to = {guard::State::kRefused, guard::Withheld::kNot};
  change.sockets.destroyed = 16;
  change.took = microseconds(700);
  change.at = TimePoint(seconds(100));
  f.events.add(change, WallTime(seconds(1'800'000'000)));
  change.from = change.to;
  change.to = {guard::State::kWithheld, guard::Withheld::kNobodyElse};
  f.events.add(change, WallTime(seconds(1'800'000'001)));
  const Json events = Json::parse(f.get("/events?history=1").body)["events"];
  REQUIRE(events.size() == 2);
  CHECK(events[0]["event"] == "guard");
  CHECK(events[0]["peer"] == "node3");
  CHECK(events[0]["to"] == "refused");
  CHECK(events[0]["sockets"]["destroyed"] == 16);
  CHECK(events[0]["took_ms"] == 0.7);
  CHECK(events[0]["monotonic_ns"] == 100'000'000'000);
  CHECK(events[1]["from"] == "refused");
  CHECK(events[1]["reason"] == "nobody_else");
  CHECK_FALSE(events[1].contains("sockets"));
}

TEST_CASE("a subscriber gets transitions as they happen") {
  Fixture f;
  f.addEvent(0, Verdict::kUnknown, Verdict::kAlive);  // before: not sent
  Client client(f.address());
  client.send(subscription(f));
  const std::string head = client.readUntilText(": peerpulse events");
  CHECK(head.find("text/event-stream") != std::string::npos);
  f.addEvent(2, Verdict::kSuspect, Verdict::kDead);
  const std::string text = client.readUntilText("\"to\":\"dead\"");
  CHECK(text.find("id: 2\nevent: transition\ndata: {\"at\":") != std::string::npos);
  CHECK(text.find("\"peer\":\"node4\"") != std::string::npos);
  CHECK(text.find("id: 1\n") == std::string::npos);
}

TEST_CASE("a subscriber that comes back gets what it missed") {
  Fixture f;
  for (int i = 0; i < 3; ++i)
    f.addEvent(0, Verdict::kAlive, Verdict::kSuspect);
  Client client(f.address());
  client.send(subscription(f, "Last-Event-ID: 1\r\n"));
  const std::string text = client.readUntilText("id: 3\n");
  CHECK(text.find("id: 2\n") != std::string::npos);
  CHECK(text.find("id: 1\n") == std::string::npos);
}

TEST_CASE("subscribers are limited, and a closed one makes room") {
  Fixture f;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 16; ++i) {
    clients.push_back(std::make_unique<Client>(f.address()));
    clients.back()->send(subscription(f));
    CHECK(clients.back()->readUntilText(": peerpulse events").find("200 OK") != std::string::npos);
  }
  {
    Client extra(f.address());
    extra.send(subscription(f));
    CHECK(extra.readAnswer().status == 503);
  }
  clients.pop_back();
  // The server learns of it by a FIN: tried until it has.
  bool admitted = false;
  for (int i = 0; i < 1000 && !admitted; ++i) {
    Client next(f.address());
    next.send(subscription(f));
    const std::string& text = next.readUntilText("\r\n\r\n");
    admitted = text.find(" 200 ") != std::string::npos;
  }
  CHECK(admitted);
}

TEST_CASE("a subscriber that does not read is dropped, the others are not") {
  Fixture f;
  Client slow(f.address());
  slow.send(subscription(f));
  slow.readUntilText(": peerpulse events");
  Client good(f.address());
  good.send(subscription(f));
  good.readUntilText(": peerpulse events");
  // More than the kernel's buffers, ours and the backlog take together; `good` reads along.
  constexpr int kEvents = 40'000;
  for (int i = 1; i <= kEvents; ++i) {
    f.addEvent(0, Verdict::kAlive, Verdict::kSuspect);
    if (i % 500 == 0) good.readUntilText("id: " + std::to_string(i) + "\n");
  }
  const std::string& seen = good.readUntilText("id: " + std::to_string(kEvents) + "\n");
  CHECK(seen.find("id: " + std::to_string(kEvents) + "\n") != std::string::npos);
  const std::string& rest = slow.readUntil([](const std::string&) { return false; });
  CHECK(slow.eof());
  CHECK(rest.find("id: " + std::to_string(kEvents) + "\n") == std::string::npos);
}

TEST_CASE("the server may go while subscribers are connected and events come") {
  auto f = std::make_unique<Fixture>();
  Client client(f->address());
  client.send(subscription(*f));
  client.readUntilText(": peerpulse events");
  f->addEvent(0, Verdict::kAlive, Verdict::kDead);
  f.reset();
  client.readUntil([](const std::string&) { return false; });
  CHECK(client.eof());
}

TEST_CASE("a unix socket serves as well, and takes changes under any name") {
  char dir[] = "/tmp/peerpulse-admin-XXXXXX";
  REQUIRE(::mkdtemp(dir) != nullptr);
  const std::string path = std::string(dir) + "/admin.sock";
  {
    Fixture f("unix:" + path);
    CHECK(f.request("GET", "/livez", "", "", "localhost").status == 200);
    CHECK(f.request("POST", "/peers/node2/circuit", "{}", "", "localhost").status == 400);
  }
  ::unlink(path.c_str());
  ::rmdir(dir);
}
