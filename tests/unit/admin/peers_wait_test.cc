// Goal: who asks /peers to wait hears of the next change, at once if it has happened already, and of the end of its time.
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "fixture.h"

using namespace peerpulse;
using namespace peerpulse::admin::test;
using health::CircuitState;
using health::Reason;
using health::Verdict;
using Json = nlohmann::json;

namespace {

uint64_t versionOf(const Answer& answer) { return Json::parse(answer.body).at("version").get<uint64_t>(); }

/// A request that waits: sent, and its answer to be read later.
class Waiter {
 public:
  Waiter(const Fixture& f, uint64_t version, const std::string& more = "") : client_(f.address()) {
    client_.send("GET /peers?wait=" + std::to_string(version) + more + " HTTP/1.1\r\nHost: " + f.host() + "\r\n\r\n");
  }
  Answer answer() { return client_.readAnswer(); }
  Client& client() { return client_; }

 private:
  Client client_;
};

/// Until the server has it among those who wait: it reads what was sent first, on another connection, no later.
void settle(Fixture& f) {
  for (int i = 0; i < 3; ++i)
    CHECK(f.get("/livez").status == 200);
}

void die(Fixture& f, uint32_t peer) {
  f.publish(peer, Verdict::kDead, CircuitState::kOpen, Reason::kProbeSilence);
  f.addEvent(peer, Verdict::kSuspect, Verdict::kDead);
}

}  // namespace

TEST_CASE("peers_wait: the next change answers it, with what has changed") {
  Fixture f;
  f.setAllAlive();
  const uint64_t version = versionOf(f.get("/peers"));
  Waiter waiter(f, version);
  Waiter another(f, version, "&timeout=5m");
  settle(f);
  die(f, 1);
  const Answer answer = waiter.answer();
  CHECK(answer.status == 200);
  CHECK(Json::parse(answer.body)["peers"][1]["verdict"] == "dead");
  CHECK(versionOf(answer) != version);
  CHECK(another.answer().status == 200);
}

TEST_CASE("peers_wait: a change that was missed is told at once, as is any version but the present one") {
  Fixture f;
  const uint64_t version = versionOf(f.get("/peers"));
  die(f, 0);
  CHECK(versionOf(f.get("/peers?wait=" + std::to_string(version))) > version);
  CHECK(f.get("/peers?wait=0").status == 200);
  CHECK(f.get("/peers?timeout=5m&wait=" + std::to_string(version + 1000)).status == 200);  // another process's
}

TEST_CASE("peers_wait: no change is missed between two requests") {
  Fixture f;
  uint64_t version = versionOf(f.get("/peers"));
  for (uint32_t i = 0; i < 50; ++i) {
    Waiter waiter(f, version, "&timeout=5m");
    die(f, i % 3);  // before, while or after it arrives
    const uint64_t next = versionOf(waiter.answer());
    CHECK(next > version);
    version = next;
  }
}

TEST_CASE("peers_wait: a change of this host's own state is one, a warning is none") {
  Fixture f;
  const uint64_t version = versionOf(f.get("/peers"));
  health::Degrading warning;
  f.events.add(warning, WallTime());
  CHECK(versionOf(f.get("/peers")) == version);
  Waiter waiter(f, version);
  settle(f);
  f.setLocalHealth("suspect");
  f.events.add(admin::LocalChange{health::LocalState::kOk, health::LocalState::kSuspect, {}}, WallTime());
  CHECK(Json::parse(waiter.answer().body)["local_health"] == "suspect");
}

TEST_CASE("peers_wait: at the end of its time the answer has the version that was asked for") {
  Fixture f;
  const uint64_t version = versionOf(f.get("/peers"));
  const TimePoint asked = Clock::now();
  const Answer answer = f.get("/peers?wait=" + std::to_string(version) + "&timeout=50ms");
  CHECK(Clock::now() - asked >= milliseconds(50));
  CHECK(answer.status == 200);
  CHECK(versionOf(answer) == version);
}

TEST_CASE("peers_wait: bad input is said, not waited for") {
  Fixture f;
  for (const char* query : {"wait=", "wait", "wait=x", "wait=-1", "wait=1.5", "wait=99999999999999999999999"}) {
    CAPTURE(query);
    const Answer answer = f.get(std::string("/peers?") + query);
    CHECK(answer.status == 400);
    CHECK(answer.body.find("version") != std::string::npos);
  }
  for (const char* timeout : {"", "5", "soon", "0s", "6m", "-1s"}) {
    CAPTURE(timeout);
    const Answer answer = f.get(std::string("/peers?wait=1&timeout=") + timeout);
    CHECK(answer.status == 400);
    CHECK(answer.body.find("1ms to 5m") != std::string::npos);
  }
  CHECK(f.request("HEAD", "/peers?wait=1").status == 200);
}

TEST_CASE("peers_wait: there is room for so many, and who goes makes room") {
  Fixture f;
  const uint64_t version = versionOf(f.get("/peers"));
  std::vector<std::unique_ptr<Waiter>> waiters;
  for (int i = 0; i < 64; ++i)
    waiters.push_back(std::make_unique<Waiter>(f, version, "&timeout=5m"));
  settle(f);
  const Answer refused = f.get("/peers?wait=" + std::to_string(version));
  CHECK(refused.status == 503);
  CHECK(refused.body.find("too_many_waiters") != std::string::npos);
  waiters.pop_back();
  // The server learns of it by a FIN: tried until it has.
  bool admitted = false;
  for (int i = 0; i < 1000 && !admitted; ++i)
    admitted = f.get("/peers?wait=" + std::to_string(version) + "&timeout=1ms").status == 200;
  CHECK(admitted);
  die(f, 2);
  for (const auto& waiter : waiters)
    CHECK(waiter->answer().status == 200);
}

TEST_CASE("peers_wait: a drain ends those who wait, and nobody waits after it") {
  Fixture f;
  const uint64_t version = versionOf(f.get("/peers"));
  Waiter waiter(f, version, "&timeout=5m");
  settle(f);
  f.drain();
  const Answer answer = waiter.answer();
  CHECK(answer.status == 503);
  CHECK(answer.body.find("draining") != std::string::npos);
  CHECK(f.get("/peers?wait=" + std::to_string(version)).status == 503);
  CHECK(f.get("/peers").status == 200);
}

TEST_CASE("peers_wait: who ends its direction gets what there is") {
  Fixture f;
  Waiter waiter(f, versionOf(f.get("/peers")), "&timeout=5m");
  waiter.client().end();
  CHECK(waiter.answer().status == 200);
}

TEST_CASE("peers_wait: the server may go while somebody waits") {
  auto f = std::make_unique<Fixture>();
  Waiter waiter(*f, versionOf(f->get("/peers")));
  settle(*f);
  f.reset();
  waiter.client().readUntil([](const std::string&) { return false; });
  CHECK(waiter.client().eof());
}
