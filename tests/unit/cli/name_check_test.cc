// Goal: a name that leads past peerpulse is found, one that leads to it is not.
#include "name_check.h"

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

SocketAddress at(const char* text) { return *SocketAddress::parse(text); }

Severity judged(const std::vector<SocketAddress>& resolved, const char* listen = "127.0.0.12:9000") {
  return judgeName("node2", resolved, at(listen), at("10.0.0.2:9000")).severity;
}

TEST_CASE("name_check: where a name leads") {
  CHECK(judged({at("127.0.0.12:0")}) == Severity::kOk);
  CHECK(judged({at("10.0.0.2:0")}) == Severity::kWarning);
  CHECK(judged({at("127.0.0.12:0"), at("10.0.0.2:0")}) == Severity::kWarning);
  CHECK(judged({at("10.0.0.9:0")}) == Severity::kAdvice);
  CHECK(judged({at("10.0.0.9:0")}, "0.0.0.0:9000") == Severity::kOk);
  CHECK(judged({}) == Severity::kOk);
  // Where both are one host's, the name says nothing.
  CHECK(judgeName("n", {at("10.0.0.2:0")}, at("10.0.0.2:1"), at("10.0.0.2:2")).severity == Severity::kOk);
}

TEST_CASE("name_check: what to do is a line for /etc/hosts") {
  CHECK(judgeName("node2", {at("10.0.0.2:0")}, at("127.0.0.12:9000"), at("10.0.0.2:9000")).todo ==
        "in /etc/hosts on this host: 127.0.0.12 node2");
}

TEST_CASE("name_check: a name that only peerpulse uses is asked of nobody while its node's leads somewhere") {
  std::vector<std::string> asked;
  std::string known;
  const Resolver resolver = [&](const std::string& name) {
    asked.push_back(name);
    return name == known ? std::vector{at("127.0.0.12:0")} : std::vector<SocketAddress>{};
  };
  known = "node2";
  CHECK(nameInUse("node2", "node2-6200", resolver) == "node2");
  CHECK(asked == std::vector<std::string>{"node2"});
  known = "node2-6200";
  CHECK(nameInUse("node2", "node2-6200", resolver) == "node2-6200");
  known = "";
  CHECK(nameInUse("node2", "node2-6200", resolver) == "node2");
  asked.clear();
  CHECK(nameInUse("node2", "node2", resolver) == "node2");
  CHECK(asked.empty());
}

TEST_CASE("name_check: the system's resolver") {
  CHECK_FALSE(resolve("localhost").empty());
  CHECK(resolve("").empty());
}

}  // namespace
}  // namespace peerpulse::cli
