// Goal: each store's recipe is what that store needs, its configuration is valid, and a bad wish is told what is wrong with it.
#include "peerpulse/recipe/plan.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
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

bool steps(const Plan& plan, const std::string& word) {
  return std::any_of(plan.steps.begin(), plan.steps.end(),
                     [&](const std::string& each) { return each.find(word) != std::string::npos; });
}

/// How many peers the configuration has, if it is one.
size_t peersOf(const Plan& plan) {
  std::string path = (std::filesystem::temp_directory_path() / "peerpulse-plan-XXXXXX").string();
  const int fd = ::mkstemp(path.data());
  REQUIRE(fd >= 0);
  ::close(fd);
  std::ofstream(path) << fileOf(plan, kConfigPath);
  const auto config = config::load(path, {});
  std::filesystem::remove(path);
  if (!config) FAIL(config.error().message);
  CHECK(config->node == plan.self);
  return config->proxy.peers.size();
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
  CHECK(cautions(plan, "a container needs --address 10.0.0.1:9000 on its command line"));
  CHECK(steps(plan, "EnvironmentFile=-/etc/peerpulse/store.env"));
  CHECK(cautions(plan, "127.0.0.0/8"));
}

TEST_CASE("plan: Swift has three servers a node, and rings by name but for replication") {
  const Plan plan = *planFor(wish(Store::kSwift));
  CHECK(plan.paths.size() == 6);
  CHECK(plan.paths[1].listen == "127.0.0.12:6201");
  CHECK(plan.paths[1].peer == "node2-6201");
  CHECK(cautions(plan, "ring"));
  CHECK(cautions(plan, "rsync would reach this host's own"));
  CHECK(steps(plan, "bind_ip = 10.0.0.1 in"));
  CHECK(steps(plan, "add r1z1-node1:6200R10.0.0.1:6200/sda1"));
  CHECK(steps(plan, "set_info --ip 10.0.0.1 --change-ip node1"));
}

TEST_CASE("plan: a list of disks is one pool") {
  CHECK(steps(*planFor(wish(Store::kMinio)), "minio server http://node{1...3}:9000/data/disk{1...4}"));
  Wish large = wish(Store::kRustfs);
  large.nodes.clear();
  for (size_t i = 1; i <= 200; ++i)
    large.nodes.push_back({"s3-" + std::to_string(i), "10.0." + std::to_string(i) + ".1"});
  large.self = "s3-7";
  const Plan plan = *planFor(large);
  CHECK(plan.paths.size() == 199);
  CHECK(steps(plan, "RUSTFS_VOLUMES=\"http://s3-{1...200}:9000/data/rustfs{1...4}\""));
  Wish other = wish(Store::kMinio);
  other.nodes[2].name = "node04";
  const Plan apart = *planFor(other);
  CHECK(steps(
      apart, "minio server http://node1:9000/data/disk1 http://node2:9000/data/disk1 http://node04:9000/data/disk1"));
  CHECK(steps(apart, "pool of its own"));
}

TEST_CASE("plan: IPv6") {
  for (const Store store : {Store::kRustfs, Store::kMinio, Store::kSwift}) {
    CAPTURE(toString(store));
    Wish six = wish(store);
    six.nodes = *parseNodes("node1=fd00::1,node2=[FD00:0::2]");
    six.ports = {9000};
    const Plan plan = *planFor(six);
    CHECK(plan.hosts[0].address == "fd00::1");
    CHECK(plan.hosts[1].address.find(':') == std::string::npos);
    REQUIRE(plan.paths.size() == 1);
    CHECK(plan.paths[0].address == "[fd00::2]:9000");
    const std::string environment = fileOf(plan, kEnvironmentPath);
    if (store == Store::kRustfs) CHECK(environment.find("RUSTFS_ADDRESS=[fd00::1]:9000\n") != std::string::npos);
    if (store == Store::kMinio) CHECK(environment.find("--address [fd00::1]:9000\"") != std::string::npos);
    if (store == Store::kSwift) CHECK(steps(plan, "bind_ip = fd00::1 in"));
    CHECK(peersOf(plan) == 1);
  }
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
    CHECK(after.hosts[1].address.ends_with(".14"));            // node4: what is for node2 comes to .12
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

TEST_CASE("plan: a replacement in place gets its predecessor's address only when there is no other") {
  Wish full = wish(Store::kRustfs);
  full.nodes.clear();
  for (size_t i = 1; i <= 239; ++i)
    full.nodes.push_back({"n" + std::to_string(i), "10.0.1." + std::to_string(i)});
  full.self = "n1";
  full.known = listensIn(fileOf(*planFor(full), kConfigPath));
  full.nodes[4].name = "new5";
  Plan plan = *planFor(full);
  CHECK(plan.hosts[4].address == "127.0.0.250");  // the one that nobody had
  full.nodes.push_back({"n240", "10.0.2.1"});
  full.known = listensIn(fileOf(plan, kConfigPath));
  full.nodes[5].name = "new6";
  plan = *planFor(full);
  std::set<std::string> addresses;
  for (const HostEntry& host : plan.hosts)
    addresses.insert(host.address);
  CHECK(addresses.size() == 240);
}

TEST_CASE("plan: a node's name and its peers'") {
  CHECK(peerOf("node2", "6200") == "node2-6200");
  CHECK(nodeOf("node2-6200", "6200") == "node2");
  CHECK(nodeOf("node2-6200", "6201") == "node2-6200");
  CHECK(nodeOf("node2", "6200") == "node2");
  CHECK(nodeOf("-6200", "6200") == "-6200");
}

TEST_CASE("plan: a configuration that does what the plan wants, whatever else it says") {
  const Plan plan = *planFor(wish(Store::kSwift));
  const std::string made = fileOf(plan, kConfigPath);
  CHECK(carriesOut(made, plan));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = made;
    text.replace(text.find(from), from.size(), to);
    return carriesOut(text, plan);
  };
  CHECK(with("\"preset\"", "\"workers\": 4, \"preset\""));
  CHECK(with("\"name\"", "\"zone\": \"a\", \"name\""));
  CHECK_FALSE(with("\"node\": \"node1\"", "\"node\": \"node2\""));
  CHECK_FALSE(with("\"swift\"", "\"generic\""));
  CHECK_FALSE(with("node2-6201", "node2-6209"));
  CHECK_FALSE(with("127.0.0.12:6201", "127.0.0.12:6209"));
  CHECK_FALSE(with("10.0.0.2:6201", "10.0.0.3:6201"));
  CHECK_FALSE(with("\"peers\": [", "\"peers\": [{}, "));
  for (const char* other :
       {"", "[]", "{}", "{\"node\": 1}", "{\"node\": \"node1\", \"preset\": \"swift\", \"peers\": 1}"})
    CHECK_FALSE(carriesOut(other, plan));
}

TEST_CASE("plan: the configuration is valid") {
  for (const Store store : {Store::kRustfs, Store::kMinio, Store::kSwift}) {
    CAPTURE(toString(store));
    CHECK(peersOf(*planFor(wish(store))) == (store == Store::kSwift ? 6 : 2));
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
  CHECK(with([](Wish& w) { w.nodes[1].address = "10.0.0"; }) == "--nodes: \"10.0.0\" of node2 is no IP address");
  CHECK(with([](Wish& w) { w.nodes[1].address = "10.0.0.2:9000"; }).find("has a port") != std::string::npos);
  CHECK(with([](Wish& w) { w.nodes[1].address = "[fd00::2]:9000"; }).find("has a port") != std::string::npos);
  CHECK(with([](Wish& w) { w.nodes[1].name = "node2:9000"; }).find("has a port") != std::string::npos);
  CHECK(with([](Wish& w) { w.nodes[1].name = "10.0.0.2"; }).find("is an address") != std::string::npos);
  CHECK(with([](Wish& w) { w.nodes[1].name = "fd00::2"; }).find("is an address") != std::string::npos);
  CHECK(with([](Wish& w) { w.nodes[1].name = "localhost"; }).find("every host's") != std::string::npos);
  CHECK(with([](Wish& w) { w.nodes[1].name = "NODE1"; }) == "--nodes: NODE1 is there twice");
  for (const char* address : {"0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1"}) {
    CAPTURE(address);
    CHECK(with([&](Wish& w) { w.nodes[1].address = address; }).find("no address of one host") != std::string::npos);
  }
  for (const char* address : {"::1", "fe80::1", "::ffff:10.0.0.2"}) {
    CAPTURE(address);
    CHECK_FALSE(with([&](Wish& w) { w.nodes[1].address = address; }).empty());
  }
  CHECK(with([](Wish& w) { w.nodes[1].address = "127.0.0.2"; }).find("loopback") != std::string::npos);
  CHECK(with([](Wish& w) {
          w.store = Store::kMinio;
          w.nodes[1].address = "198.18.0.2";
        }).find("within 198.18.0.0/24") != std::string::npos);
  CHECK(with([](Wish& w) { w.nodes[1].name = "a b"; }) == "--nodes: \"a b\" is no host name");
  CHECK(with([](Wish& w) { w.ports = {0}; }) == "--port: 1 to 65535");
  CHECK(with([](Wish& w) { w.ports = {9000, 9001, 9000}; }) == "--port: 9000 is there twice");
  CHECK(with([](Wish& w) { w.nodes.assign(241, {"x", "10.0.0.1"}); }) == "--nodes: at most 240");
  CHECK(parseNodes("node1=10.0.0.1,node2").error().message == "--nodes: \"node2\" is not NAME=ADDRESS");
  CHECK(parseNodes("").error().message == "--nodes: \"\" is not NAME=ADDRESS");
  REQUIRE(parseNodes("a=1.2.3.4,b=1.2.3.5").has_value());
  CHECK(parseNodes("a=1.2.3.4,b=1.2.3.5")->at(1).address == "1.2.3.5");
}
