#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "fixture.h"
#include "peerpulse/log/log.h"

using namespace peerpulse;
using namespace peerpulse::admin::test;
using health::CircuitOverride;
using Json = nlohmann::json;

namespace {

/// Overrides are logged; these tests keep them out of their own output.
struct QuietLog {
  QuietLog() {
    log::Options options;
    options.file = "/dev/null";
    REQUIRE(log::start(options));
  }
  ~QuietLog() { log::stop(); }
};

constexpr const char* kPath = "/peers/node3/circuit";

}  // namespace

TEST_CASE("an operator opens, closes and releases a circuit") {
  const QuietLog quiet;
  Fixture f;
  const Answer a = f.post(kPath, R"({"state":"open","ttl":"10m","why":"disk swap"})");
  CHECK(a.status == 200);
  CHECK(Json::parse(a.body) == Json::parse(R"({"peer":"node3","state":"open","ttl":"10m","why":"disk swap"})"));
  CHECK(f.post(kPath, R"({"state":"closed"})").status == 200);
  CHECK(f.post(kPath, R"({"state":"auto"})").status == 200);
  const auto overrides = f.overrides();
  REQUIRE(overrides.size() == 3);
  CHECK((overrides[0].peer == PeerId{1}));
  CHECK((overrides[0].change.kind == CircuitOverride::Kind::kOpen));
  CHECK(overrides[0].change.ttl == std::chrono::minutes(10));
  CHECK(overrides[0].why == "disk swap");
  CHECK((overrides[1].change.kind == CircuitOverride::Kind::kClosed));
  CHECK(overrides[1].change.ttl == Duration::zero());
  CHECK((overrides[2].change.kind == CircuitOverride::Kind::kAuto));
}

TEST_CASE("what is wrong with a body is said with its pointer") {
  const QuietLog quiet;
  Fixture f;
  const auto problem = [&](const std::string& body) {
    const Answer a = f.post(kPath, body);
    CHECK_MESSAGE(a.status == 400, body);
    return Json::parse(a.body)["pointer"].get<std::string>();
  };
  CHECK(problem("") == "");
  CHECK(problem("{") == "");
  CHECK(problem("[]") == "");
  CHECK(problem("\xff") == "");
  CHECK(problem("{}") == "/state");
  CHECK(problem(R"({"state":"half"})") == "/state");
  CHECK(problem(R"({"state":1})") == "/state");
  CHECK(problem(R"({"state":"open","ttl":10})") == "/ttl");
  CHECK(problem(R"({"state":"open","ttl":"0s"})") == "/ttl");
  CHECK(problem(R"({"state":"open","ttl":"soon"})") == "/ttl");
  CHECK(problem(R"({"state":"open","why":[]})") == "/why");
  CHECK(problem(R"({"state":"open","why":")" + std::string(300, 'x') + "\"}") == "/why");
  CHECK(problem(R"({"state":"open","until":"x"})") == "/until");
  CHECK(problem(std::string(60'000, '[')) == "");
  CHECK(f.post("/peers/node9/circuit", R"({"state":"open"})").status == 404);
  CHECK(f.overrides().empty());
}

TEST_CASE("a body above the limit is refused") {
  Fixture f;
  const Answer a = f.post(kPath, std::string(64 * 1024 + 1, ' '));
  CHECK(a.status == 413);
  CHECK(f.overrides().empty());
}

TEST_CASE("changes are taken from our own name only") {
  const QuietLog quiet;
  Fixture f;
  const std::string port = std::to_string(f.address().port());
  const std::string body = R"({"state":"auto"})";
  const auto status = [&](const std::string& host, const std::string& head = "") {
    return f.request("POST", kPath, body, head, host).status;
  };
  CHECK(status("localhost:" + port) == 200);
  CHECK(status("LOCALHOST:" + port) == 200);
  CHECK(status("127.0.0.1") == 200);
  CHECK(status("[::1]:" + port) == 200);
  CHECK(f.overrides().size() == 4);
  CHECK(status("evil.example") == 403);
  CHECK(status("evil.example:" + port) == 403);
  CHECK(status("localhost.evil.example:" + port) == 403);
  CHECK(status("127.0.0.1:1") == 403);
  CHECK(status("10.0.0.1:" + port) == 403);
  const std::string ours = "127.0.0.1:" + port;
  CHECK(status(ours, "Origin: http://" + ours + "\r\n") == 200);
  CHECK(status(ours, "Origin: http://evil.example\r\n") == 403);
  CHECK(status(ours, "Origin: https://" + ours + "\r\n") == 403);
  CHECK(status(ours, "Origin: http://localhost:" + port + "\r\n") == 403);
  CHECK(status(ours, "Origin: null\r\n") == 403);
  CHECK(status(ours, "Origin:\r\n") == 403);
  CHECK(f.overrides().size() == 5);
}

TEST_CASE("reads do not depend on the name") {
  Fixture f;
  CHECK(f.request("GET", "/livez", "", "", "metrics.example").status == 200);
}
