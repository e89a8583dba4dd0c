#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "peerpulse/config/config.h"

using namespace peerpulse;
using Json = nlohmann::json;

namespace {

Json effective(const std::string& text, const config::Environment& environment = {}) {
  const auto c = config::parse(text, "test.json", environment);
  REQUIRE_MESSAGE(c.has_value(), (c ? "" : c.error().message));
  return Json::parse(config::effectiveJson(*c));
}

Json leaf(const char* value, const char* source) { return {{"value", value}, {"source", source}}; }

}  // namespace

TEST_CASE("every value comes with its source") {
  const Json e = effective(R"({"preset":"rustfs","probe":{"profile":"fast","confirm":"9ms"},"peers":[
      {"name":"a","listen":"127.0.0.2:1","address":"10.0.0.1:1","probe":{"interval":"5ms"}},
      {"name":"b","listen":"127.0.0.3:1","address":"10.0.0.2:1","on_dead":"respond"}]})",
                           {{"RUSTFS_CONNECT_TIMEOUT", "4"}});
  CHECK(e["pool"]["idle_timeout"] == leaf("30s", "default"));
  CHECK(e["on_dead"] == leaf("refuse", "preset rustfs"));
  CHECK(e["timeouts"]["control"]["request"] == leaf("30s", "preset rustfs"));
  CHECK(e["timeouts"]["control"]["connect"] == leaf("4s", "env RUSTFS_CONNECT_TIMEOUT"));
  CHECK(e["probe"]["interval"] == leaf("10ms", "profile fast"));
  CHECK(e["probe"]["confirm"] == leaf("9ms", "file"));
  CHECK(e["preset"] == leaf("rustfs", "file"));
  REQUIRE(e["peers"].size() == 2);
  CHECK(e["peers"][0]["probe"]["interval"] == leaf("5ms", "file"));
  CHECK(e["peers"][0]["probe"]["confirm"] == leaf("9ms", "file"));
  CHECK(e["peers"][0]["probe"]["suspect_after"] == leaf("25ms", "profile fast"));
  CHECK(e["peers"][0]["on_dead"] == leaf("refuse", "preset rustfs"));
  CHECK(e["peers"][1]["on_dead"] == leaf("respond", "file"));
  CHECK(e["peers"][1]["zone"] == leaf("", "default"));
  CHECK(e["routes"][0]["name"] == leaf("grpc", "preset rustfs"));
  CHECK(e["environment"][0]["name"] == "RUSTFS_CONNECT_TIMEOUT");
  CHECK(e["environment"][0]["sets"].size() == 3);
}

TEST_CASE("the values can be put into a file and mean the same") {
  const Json first = effective(R"({"node":"n","preset":"minio","probe":{"profile":"wan"},
      "hooks":{"on_transition":{"command":["/bin/sh","-c"]}},"peers":[
      {"name":"a","listen":"[::1]:1","address":"unix:/run/a.sock","zone":"dc1"}]})");
  std::vector<Json::json_pointer> values;
  const Json flat = first.flatten();  // elements of an array are a level below its "value"
  for (const auto& item : flat.items()) {
    Json::json_pointer at(item.key());
    while (!at.empty() && at.back() != "value")
      at.pop_back();
    if (!at.empty()) values.push_back(at);
  }
  Json again;
  for (const Json::json_pointer& at : values)
    again[at.parent_pointer()] = first.at(at);
  const Json second = effective(again.dump());
  for (const Json::json_pointer& at : values)
    CHECK_MESSAGE(second.at(at) == first.at(at), at.to_string());
}

TEST_CASE("an automatic timeout is shown as what the file says") {
  const Json e = effective(R"({"api":{"peer_timeout":"auto"},
      "peers":[{"name":"a","listen":"127.0.0.2:1","address":"10.0.0.1:1"}]})");
  CHECK(e["api"]["peer_timeout"] == leaf("auto", "file"));
  CHECK(e["api"]["chunk_timeout"] == leaf("0s", "default"));
  CHECK(e["timing"]["floor"] == leaf("250ms", "default"));
}
