// The shipped configuration and schema show exactly what the loader knows.
#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "peerpulse/config/config.h"

using namespace peerpulse;
using Json = nlohmann::ordered_json;

namespace {

const std::string kConf = std::string(PEERPULSE_CONF_DIR) + "/peerpulse.json";
const std::string kSchema = std::string(PEERPULSE_CONF_DIR) + "/peerpulse.schema.json";

Json readJson(const std::string& path) {
  std::ifstream in(path);
  REQUIRE_MESSAGE(in.good(), path);
  return Json::parse(in);
}

/// Leaves as pointers, array indexes as "*"; an array of plain values is a leaf.
void collectKeys(const Json& value, const std::string& at, std::set<std::string>& keys) {
  if (value.is_object()) {
    for (const auto& [key, member] : value.items())
      collectKeys(member, at + "/" + key, keys);
  } else if (value.is_array() && !value.empty() && !value.front().is_primitive()) {
    for (const Json& item : value)
      collectKeys(item, at + "/*", keys);
  } else {
    keys.insert(at);
  }
}

const Json& resolve(const Json& root, const Json& node) {
  if (!node.contains("$ref")) return node;
  return root.at(Json::json_pointer(node.at("$ref").get<std::string>().substr(1)));
}

/// The schema's leaves; also checks that every object is closed and every key is described.
void collectSchemaKeys(const Json& root, const Json& node, const std::string& at, std::set<std::string>& keys) {
  const Json& target = resolve(root, node);
  if (target.contains("properties")) {
    CHECK_MESSAGE(target.value("additionalProperties", true) == false, at);
    for (const auto& [key, member] : target.at("properties").items()) {
      const std::string pointer = at + "/" + key;
      CHECK_MESSAGE((member.contains("description") || resolve(root, member).contains("description")), pointer);
      collectSchemaKeys(root, member, pointer, keys);
    }
  } else if (target.contains("items") && resolve(root, target.at("items")).contains("properties")) {
    collectSchemaKeys(root, target.at("items"), at + "/*", keys);
  } else {
    keys.insert(at);
  }
}

std::set<std::string> known() {
  const auto keys = config::knownKeys();
  return {keys.begin(), keys.end()};
}

/// Calls `visit(pointer with "*", default)` for every default in the schema.
template <typename Visit>
void forEachDefault(const Json& root, const Json& node, const std::string& at, Visit visit) {
  if (node.contains("default")) visit(at, node.at("default"));
  const Json& target = resolve(root, node);
  if (target.contains("properties")) {
    for (const auto& [key, member] : target.at("properties").items())
      forEachDefault(root, member, at + "/" + key, visit);
  }
}

}  // namespace

TEST_CASE("the shipped configuration loads and shows every key") {
  const auto c = config::load(kConf, {});
  REQUIRE_MESSAGE(c.has_value(), (c ? "" : c.error().message));
  std::set<std::string> shown;
  collectKeys(readJson(kConf), "", shown);
  CHECK(shown == known());
}

TEST_CASE("the shipped configuration shows the defaults") {
  const auto defaults = config::parse(
      R"({"node":"node1","peers":[{"name":"node2","listen":"127.0.0.12:9000","address":"10.0.0.2:9000"},
                                  {"name":"node3","listen":"127.0.0.13:9000","address":"10.0.0.3:9000"}]})",
      "defaults", {});
  REQUIRE(defaults.has_value());
  const Json expected = Json::parse(config::effectiveJson(*defaults)).flatten();
  const Json actual = Json::parse(config::effectiveJson(*config::load(kConf, {}))).flatten();
  size_t compared = 0;
  for (const auto& item : expected.items()) {
    const std::string pointer = item.key();
    if (!pointer.ends_with("/value")) continue;
    REQUIRE_MESSAGE(actual.contains(pointer), pointer);
    CHECK_MESSAGE(actual.at(pointer) == item.value(), pointer);
    ++compared;
  }
  CHECK(compared > known().size());
}

TEST_CASE("the schema has exactly the keys of the loader") {
  const Json schema = readJson(kSchema);
  std::set<std::string> keys;
  collectSchemaKeys(schema, schema, "", keys);
  CHECK(keys == known());
}

TEST_CASE("the schema's defaults are the loader's") {
  const Json schema = readJson(kSchema);
  const Json conf = Json::parse(config::effectiveJson(*config::load(kConf, {})));
  size_t compared = 0;
  forEachDefault(schema, schema, "", [&](const std::string& pointer, const Json& value) {
    CHECK_MESSAGE(conf.at(Json::json_pointer(pointer + "/value")) == value, pointer);
    ++compared;
  });
  CHECK(compared > 40);
}
