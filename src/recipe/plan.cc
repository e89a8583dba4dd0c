#include "peerpulse/recipe/plan.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

namespace peerpulse::recipe {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxNodes = 240;  // of one /24, from .11 on
constexpr unsigned kFirst = 11;
constexpr size_t kMaxName = 253;  // RFC 1035
constexpr uint32_t kLoopbackNet = 127;
constexpr uint32_t kPrefixMask = 0xFFFFFF00;

bool isName(const std::string& text) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '.'; };
  return !text.empty() && text.size() <= kMaxName && std::all_of(text.begin(), text.end(), allowed) &&
         std::isalnum(static_cast<unsigned char>(text.front())) != 0 &&
         std::isalnum(static_cast<unsigned char>(text.back())) != 0;
}

std::optional<uint32_t> ipv4(const std::string& text) {
  in_addr address{};
  if (::inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

// In a way that each store's software gives to a first installation.
std::vector<uint16_t> portsOf(const Wish& wish) {
  if (!wish.ports.empty()) return wish.ports;
  if (wish.store == Store::kSwift) return {6200, 6201, 6202};
  return {9000};
}

std::string prefixOf(Store store) { return store == Store::kMinio ? "198.18.0." : "127.0.0."; }

std::string namesOf(const std::vector<Node>& nodes) {
  std::string names;
  for (const Node& node : nodes)
    names += (names.empty() ? "" : ",") + node.name;
  return names;
}

Result<void> check(const Wish& wish) {
  if (wish.nodes.size() < 2)
    return Error{"--nodes: a cluster has two nodes or more, as node1=10.0.0.1,node2=10.0.0.2"};
  if (wish.nodes.size() > kMaxNodes) return Error{"--nodes: at most " + std::to_string(kMaxNodes)};
  std::set<std::string> names;
  std::set<std::string> addresses;
  for (const Node& node : wish.nodes) {
    if (!isName(node.name)) return Error{"--nodes: " + quoted(node.name) + " is no host name"};
    const auto address = ipv4(node.address);
    if (!address) return Error{"--nodes: " + quoted(node.address) + " of " + node.name + " is no IPv4 address"};
    if (*address >> 24U == kLoopbackNet)
      return Error{"--nodes: " + node.address + " of " + node.name +
                   " is a loopback address: its real one is wanted"};
    if (wish.store == Store::kMinio && (*address & kPrefixMask) == *ipv4("198.18.0.0"))
      return Error{"--nodes: " + node.address + " of " + node.name + " is within " + kAnyIpPrefix +
                   ", which would lead to this host alone"};
    if (!names.insert(node.name).second) return Error{"--nodes: " + node.name + " is there twice"};
    if (!addresses.insert(node.address).second) return Error{"--nodes: " + node.address + " is there twice"};
  }
  if (!names.contains(wish.self))
    return Error{"--self: " + quoted(wish.self) + " is none of the nodes: " + namesOf(wish.nodes)};
  for (const uint16_t port : wish.ports) {
    if (port == 0) return Error{"--port: 1 to 65535"};
  }
  return {};
}

/// Nodes that have an address keep it; the others get theirs by their place, or the next one that is free.
std::map<std::string, std::string> listensFor(const Wish& wish) {
  std::map<std::string, std::string> listens;
  std::set<std::string> taken;
  const std::string prefix = prefixOf(wish.store);
  for (const Node& node : wish.nodes) {
    const auto known = wish.known.find(node.name);
    if (known == wish.known.end() || !known->second.starts_with(prefix) || !taken.insert(known->second).second)
      continue;
    listens[node.name] = known->second;
  }
  for (size_t i = 0; i < wish.nodes.size(); ++i) {
    if (listens.contains(wish.nodes[i].name)) continue;
    size_t place = i;
    while (taken.contains(prefix + std::to_string(kFirst + place)))
      place = (place + 1) % kMaxNodes;
    listens[wish.nodes[i].name] = *taken.insert(prefix + std::to_string(kFirst + place)).first;
  }
  return listens;
}

std::string configText(const Wish& wish, const Plan& plan) {
  Json peers = Json::array();
  const bool many = portsOf(wish).size() > 1;
  for (const Path& path : plan.paths) {
    const std::string port = path.listen.substr(path.listen.rfind(':') + 1);
    peers.push_back(
        {{"name", many ? path.name + "-" + port : path.name}, {"listen", path.listen}, {"address", path.address}});
  }
  return Json{{"node", wish.self}, {"preset", toString(wish.store)}, {"peers", peers}}.dump(2) + "\n";
}

std::string routeUnit(const std::string& prefix) {
  return "# Made by `peerpulse recipe`: addresses that no interface has, for peerpulse's listeners.\n"
         "[Unit]\n"
         "Description=Addresses of peerpulse's listeners\n"
         "After=network-pre.target\n"
         "Before=peerpulse.service network-online.target\n"
         "\n"
         "[Service]\n"
         "Type=oneshot\n"
         "RemainAfterExit=yes\n"
         "ExecStart=/sbin/ip route replace local " +
         prefix +
         " dev lo\n"
         "ExecStop=-/sbin/ip route del local " +
         prefix +
         " dev lo\n"
         "\n"
         "[Install]\n"
         "WantedBy=multi-user.target\n";
}

std::string environmentText(const Wish& wish, const std::string& own) {
  std::string text =
      "# Made by `peerpulse recipe`: EnvironmentFile= of the store's unit, or --env-file of its container.\n";
  if (wish.store == Store::kRustfs) {
    text += "RUSTFS_ADDRESS=" + own + "\nRUSTFS_INTERNODE_HTTP_PROXY=off\n";
  } else if (wish.store == Store::kMinio) {
    text += "MINIO_OPTS=\"--address " + own + "\"\n";
  }
  return text + "NO_PROXY=" + namesOf(wish.nodes) + "\nno_proxy=" + namesOf(wish.nodes) + "\n";
}

std::string example(const Wish& wish, uint16_t port, const std::string& path) {
  std::string urls;
  for (const Node& node : wish.nodes)
    urls += (urls.empty() ? "http://" : " http://") + node.name + ":" + std::to_string(port) + path;
  return urls;
}

void addStoreSteps(Plan& plan, const Wish& wish, const std::string& own, uint16_t port) {
  switch (wish.store) {
    case Store::kRustfs:
      plan.steps.push_back("volumes by name, the same on every node: RUSTFS_VOLUMES=\"" +
                           example(wish, port, "/data/rustfs{1...4}") + "\"");
      plan.cautions = {
          "RUSTFS_ADDRESS must be " + own + ", never \":" + std::to_string(port) +
              "\": a wildcard listener of this store would answer for dead peers",
          "HTTP_PROXY in the store's environment takes its traffic elsewhere: RUSTFS_INTERNODE_HTTP_PROXY=off exists "
          "since 1.0.0-beta.9; before, NO_PROXY (in " +
              std::string(kEnvironmentPath) + ") is the only way, or to unset it"};
      break;
    case Store::kMinio:
      plan.steps.push_back("start by name, the same list on every node: minio server " +
                           example(wish, port, "/data/disk{1...4}"));
      plan.steps.emplace_back("run peerpulse on every node: half of MinIO's grid is dialled by the other side");
      plan.cautions = {
          "give the address by --address or MINIO_OPTS, never by MINIO_ADDRESS: nodes compare their MINIO_ "
          "variables, and "
          "with different ones the cluster never forms",
          "the address must be " + own + ", never \":" + std::to_string(port) +
              "\": a wildcard listener of this store would answer for dead peers",
          "names that lead to 127.0.0.0/8 are local to MinIO, whatever the address: hence " + *plan.anyIp};
      break;
    case Store::kSwift:
      plan.steps.push_back("bind_ip = " + own.substr(0, own.rfind(':')) +
                           " in object-server.conf, container-server.conf and account-server.conf");
      plan.steps.push_back(
          "the rings' devices by name, the same on every node: swift-ring-builder object.builder add "
          "r1z1-" +
          wish.nodes.front().name + ":" + std::to_string(port) + "/sda1 100");
      plan.cautions = {
          "a ring with addresses instead of names passes this host by: rebuild it with names (swift-ring-builder "
          "set_info), or let the guard alone protect it (guard.mode: guard)",
          "bind_ip must be this node's own address, never 0.0.0.0: a wildcard listener would answer for dead peers"};
      break;
  }
}

}  // namespace

const char* toString(Store store) {
  switch (store) {
    case Store::kRustfs: return "rustfs";
    case Store::kMinio: return "minio";
    case Store::kSwift: return "swift";
  }
  return "?";
}

std::map<std::string, std::string> listensIn(const std::string& config) {
  std::map<std::string, std::string> listens;
  const Json json = Json::parse(config, nullptr, false);
  if (!json.is_object() || !json.contains("peers") || !json["peers"].is_array()) return listens;
  for (const Json& peer : json["peers"]) {
    if (!peer.is_object() || !peer.contains("name") || !peer.contains("listen")) continue;
    if (!peer["name"].is_string() || !peer["listen"].is_string()) continue;
    std::string name = peer["name"];
    const std::string listen = peer["listen"];
    const std::string port = listen.substr(listen.rfind(':') + 1);
    if (name.ends_with("-" + port)) name.resize(name.size() - port.size() - 1);
    listens.emplace(name, listen.substr(0, listen.rfind(':')));
  }
  return listens;
}

Result<std::vector<Node>> parseNodes(const std::string& text) {
  std::vector<Node> nodes;
  for (size_t from = 0; from <= text.size();) {
    const size_t to = std::min(text.find(',', from), text.size());
    const std::string part = text.substr(from, to - from);
    const size_t equals = part.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == part.size())
      return Error{"--nodes: " + quoted(part) + " is not NAME=ADDRESS"};
    nodes.push_back({part.substr(0, equals), part.substr(equals + 1)});
    from = to + 1;
  }
  return nodes;
}

Result<Plan> planFor(const Wish& wish) {
  if (auto good = check(wish); !good) return good.error();
  Plan plan;
  plan.store = wish.store;
  plan.self = wish.self;
  std::string ownAddress;
  const std::map<std::string, std::string> listens = listensFor(wish);
  for (const Node& node : wish.nodes) {
    if (node.name == wish.self) {
      ownAddress = node.address;
      plan.hosts.push_back({node.address, node.name});
      continue;
    }
    const std::string listen = listens.at(node.name);
    plan.hosts.push_back({listen, node.name});
    for (const uint16_t port : portsOf(wish)) {
      const std::string suffix = ":" + std::to_string(port);
      plan.paths.push_back({node.name, listen + suffix, node.address + suffix});
    }
  }
  const uint16_t port = portsOf(wish).front();
  const std::string own = ownAddress + ":" + std::to_string(port);
  if (wish.store == Store::kMinio) {
    plan.anyIp = kAnyIpPrefix;
    const std::string unit = std::string("/etc/systemd/system/") + kRouteUnit;
    plan.files.push_back({unit, routeUnit(*plan.anyIp)});
    plan.links.push_back({std::string("/etc/systemd/system/multi-user.target.wants/") + kRouteUnit, unit});
  }
  plan.files.push_back({kConfigPath, configText(wish, plan)});
  plan.files.push_back({kEnvironmentPath, environmentText(wish, own)});
  plan.steps.emplace_back("peerpulse check --config " + std::string(kConfigPath));
  plan.steps.emplace_back("systemctl enable peerpulse && systemctl restart peerpulse");
  plan.steps.push_back("give the store the environment of " + std::string(kEnvironmentPath) +
                       " (EnvironmentFile= in its unit)");
  addStoreSteps(plan, wish, own, port);
  plan.steps.emplace_back("restart the store, one node after the other, peerpulse running");
  plan.steps.emplace_back("the same command with --verify says whether the traffic passes");
  return plan;
}

}  // namespace peerpulse::recipe
