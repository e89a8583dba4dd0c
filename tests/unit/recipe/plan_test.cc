// Goal: each store's recipe is what that store needs, its configuration is valid, and a bad wish is told what is wrong with it.
#include "peerpulse/recipe/plan.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <unistd.h>

#include <doctest/doctest.h>

#include "peerpulse/config/config.h"

using namespace peerpulse;
using namespace peerpulse::recipe;

namespace {

Wish wish(Store store) {
  return {store, {{"node1", "10.0.0.1"}, {"node2", "10.0.0.2"}, {"node3", "10.0.0.3"}}, "node1", {}, {}};
}

std::string fileOf(const Plan& plan, const std::string& path) {
  const auto at =
      std::find_if(plan.files.begin(), plan.files.end(), [&](const OwnFile& file) { return file.path == path; });
  return at == plan.files.end() ? "" : at->content;
}

bool cautions(const Plan& plan, const std::string& word) {
  return std::any_of(plan.cautions.begin(), plan.cautions.end(),
                     [&](const std::string& each) { return each.find(word) != std::string::npos; });
}

std::string refusal(const Wish& wish) {
  const auto plan = planFor(wish);
  return plan ? "" : plan.error().message;
}

}  // namespace

TEST_CASE("plan: RustFS reaches its peers by loopback addresses, itself by its own") {
  const Plan plan = *planFor(wish(Store::kRustfs));
  REQUIRE(plan.hosts.size() == 3);
  CHECK(plan.hosts[0].address == "10.0.0.1");
  CHECK(plan.hosts[1].address == "127.0.0.12");
  CHECK(plan.hosts[2].address == "127.0.0.13");
  CHECK_FALSE(plan.anyIp);
  REQUIRE(plan.paths.size() == 2);
  CHECK(plan.paths[0].listen == "127.0.0.12:9000");
  CHECK(plan.paths[0].address == "10.0.0.2:9000");
  const std::string environment = fileOf(plan, kEnvironmentPath);
  CHECK(environment.find("RUSTFS_ADDRESS=10.0.0.1:9000\n") != std::string::npos);
  CHECK(environment.find("RUSTFS_INTERNODE_HTTP_PROXY=off\n") != std::string::npos);
  CHECK(environment.find("NO_PROXY=node1,node2,node3\n") != std::string::npos);
  CHECK(cautions(plan, "beta.9"));
  CHECK(cautions(plan, "wildcard"));
}

TEST_CASE("plan: MinIO by addresses that no interface has, routed at every boot") {
  const Plan plan = *planFor(wish(Store::kMinio));
  CHECK(plan.anyIp == "198.18.0.0/24");
  CHECK(plan.hosts[1].address == "198.18.0.12");
  const std::string unit = fileOf(plan, "/etc/systemd/system/peerpulse-addresses.service");
  CHECK(unit.find("ip route replace local 198.18.0.0/24 dev lo") != std::string::npos);
  REQUIRE(plan.links.size() == 1);
  const std::string environment = fileOf(plan, kEnvironmentPath);
  CHECK(environment.find("MINIO_OPTS=\"--address 10.0.0.1:9000\"\n") != std::string::npos);
  CHECK(environment.find("MINIO_ADDRESS") == std::string::npos);
  CHECK(cautions(plan, "MINIO_ADDRESS"));
  CHECK(cautions(plan, "127.0.0.0/8"));
}

TEST_CASE("plan: Swift has three servers a node, and rings by name") {
  const Plan plan = *planFor(wish(Store::kSwift));
  CHECK(plan.paths.size() == 6);
  CHECK(plan.paths[1].listen == "127.0.0.12:6201");
  CHECK(cautions(plan, "ring"));
}

TEST_CASE("plan: the same list makes the same addresses on every node") {
  Wish other = wish(Store::kRustfs);
  other.self = "node3";
  const Plan plan = *planFor(other);
  CHECK(plan.hosts[0].address == "127.0.0.11");
  CHECK(plan.hosts[1].address == "127.0.0.12");
  CHECK(plan.hosts[2].address == "10.0.0.3");
}

TEST_CASE("plan: whoever has an address keeps it when the list of nodes changes") {
  for (const Store store : {Store::kRustfs, Store::kMinio, Store::kSwift}) {
    CAPTURE(toString(store));
    const Plan before = *planFor(wish(store));
    Wish changed = wish(store);
    changed.nodes = {{"node1", "10.0.0.1"}, {"node4", "10.0.0.4"}, {"node3", "10.0.0.3"}};  // node2 has gone
    changed.known = listensIn(fileOf(before, kConfigPath));
    const Plan after = *planFor(changed);
    CHECK(after.hosts[2].address == before.hosts[2].address);  // node3
    CHECK(after.hosts[1].address.ends_with(".12"));            // node4: node2's is free
    changed.nodes.insert(changed.nodes.begin() + 1, {"node5", "10.0.0.5"});
    changed.known = listensIn(fileOf(after, kConfigPath));
    const Plan grown = *planFor(changed);
    CHECK(grown.hosts[3].address == before.hosts[2].address);
    CHECK(grown.hosts[2].address == after.hosts[1].address);
    CHECK(grown.hosts[1].address != grown.hosts[2].address);
    CHECK(grown.hosts[1].address != grown.hosts[3].address);
  }
  CHECK(listensIn("no JSON").empty());
  CHECK(listensIn("{\"peers\":[1,{\"name\":2,\"listen\":3}]}").empty());
}

TEST_CASE("plan: the configuration is valid") {
  for (const Store store : {Store::kRustfs, Store::kMinio, Store::kSwift}) {
    CAPTURE(toString(store));
    std::string path = (std::filesystem::temp_directory_path() / "peerpulse-plan-XXXXXX").string();
    const int fd = ::mkstemp(path.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    std::ofstream(path) << fileOf(*planFor(wish(store)), kConfigPath);
    const auto config = config::load(path, {});
    std::filesystem::remove(path);
    if (!config) FAIL(config.error().message);
    CHECK(config->node == "node1");
    CHECK(config->proxy.peers.size() == (store == Store::kSwift ? 6 : 2));
  }
}

TEST_CASE("plan: a bad wish") {
  const auto with = [](const std::function<void(Wish&)>& change) {
    Wish bad = wish(Store::kRustfs);
    change(bad);
    return refusal(bad);
  };
  CHECK(with([](Wish& w) { w.self = "node9"; }) == "--self: \"node9\" is none of the nodes: node1,node2,node3");
  CHECK(with([](Wish& w) { w.nodes.resize(1); }).find("two nodes") != std::string::npos);
  CHECK(with([](Wish& w) { w.nodes[1].name = "node1"; }) == "--nodes: node1 is there twice");
  CHECK(with([](Wish& w) { w.nodes[1].address = "10.0.0.1"; }) == "--nodes: 10.0.0.1 is there twice");
  CHECK(with([](Wish& w) { w.nodes[1].address = "10.0.0"; }) == "--nodes: \"10.0.0\" of node2 is no IPv4 address");
  CHECK(with([](Wish& w) { w.nodes[1].address = "127.0.0.2"; }).find("loopback") != std::string::npos);
  CHECK(with([](Wish& w) {
          w.store = Store::kMinio;
          w.nodes[1].address = "198.18.0.2";
        }).find("within 198.18.0.0/24") != std::string::npos);
  CHECK(with([](Wish& w) { w.nodes[1].name = "a b"; }) == "--nodes: \"a b\" is no host name");
  CHECK(with([](Wish& w) { w.ports = {0}; }) == "--port: 1 to 65535");
  CHECK(with([](Wish& w) { w.nodes.assign(241, {"x", "10.0.0.1"}); }) == "--nodes: at most 240");
  CHECK(parseNodes("node1=10.0.0.1,node2").error().message == "--nodes: \"node2\" is not NAME=ADDRESS");
  CHECK(parseNodes("").error().message == "--nodes: \"\" is not NAME=ADDRESS");
  REQUIRE(parseNodes("a=1.2.3.4,b=1.2.3.5").has_value());
  CHECK(parseNodes("a=1.2.3.4,b=1.2.3.5")->at(1).address == "1.2.3.5");
}
