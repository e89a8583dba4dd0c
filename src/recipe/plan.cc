#include "peerpulse/recipe/plan.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <charconv>
#include <netinet/in.h>
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
constexpr uint32_t kMulticastNet = 0xE;
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

std::optional<in6_addr> ipv6(const std::string& text) {
  in6_addr address{};
  if (::inet_pton(AF_INET6, text.c_str(), &address) != 1) return std::nullopt;
  return address;
}

/// Why no node can have this address; empty: one can.
std::string trouble(const std::string& address, Store store) {
  if (const auto four = ipv4(address)) {
    if (*four >> 24U == kLoopbackNet) return "is a loopback address: its real one is wanted";
    if (*four >> 24U == 0 || *four >> 28U >= kMulticastNet) return "is no address of one host";
    if (store == Store::kMinio && (*four & kPrefixMask) == *ipv4("198.18.0.0"))
      return std::string("is within ") + kAnyIpPrefix + ", which would lead to this host alone";
    return "";
  }
  const auto six = ipv6(address);
  if (!six) {
    const bool port = ipv4(address.substr(0, address.find(':'))).has_value() || address.starts_with("[");
    return port ? "has a port: the address alone is wanted, --port says the store's" : "is no IP address";
  }
  if (IN6_IS_ADDR_LOOPBACK(&*six)) return "is a loopback address: its real one is wanted";
  if (IN6_IS_ADDR_LINKLOCAL(&*six)) return "is of one link alone: one that needs no interface's name is wanted";
  if (IN6_IS_ADDR_V4MAPPED(&*six)) return "is an IPv4 address: write it as one";
  if (IN6_IS_ADDR_UNSPECIFIED(&*six) || IN6_IS_ADDR_MULTICAST(&*six)) return "is no address of one host";
  return "";
}

/// As the kernel's tables have it when they are printed.
std::string canonical(const std::string& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto six = ipv6(address);
  return six && ::inet_ntop(AF_INET6, &*six, text.data(), text.size()) != nullptr ? text.data() : address;
}

std::string withPort(const std::string& address, const std::string& port) {
  return (ipv6(address) ? "[" + address + "]:" : address + ":") + port;
}

std::string inLowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
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

/// Why this is no name of a node; empty: it is one.
std::string unfit(const std::string& name) {
  if (ipv4(name) || ipv6(name))
    return "is an address: a store that knows its nodes by addresses goes past the recipe; give them names, or use "
           "guard.mode: guard";
  if (name.find(':') != std::string::npos && isName(name.substr(0, name.find(':'))))
    return "has a port: the name alone is wanted, --port says the store's";
  if (!isName(name)) return "is no host name";
  const std::string small = inLowerCase(name);
  if (small == "localhost" || small.ends_with(".localhost")) return "is every host's name for itself";
  return "";
}

Result<void> check(const Wish& wish) {
  if (wish.nodes.size() < 2)
    return Error{"--nodes: a cluster has two nodes or more, as node1=10.0.0.1,node2=10.0.0.2"};
  if (wish.nodes.size() > kMaxNodes) return Error{"--nodes: at most " + std::to_string(kMaxNodes)};
  std::set<std::string> names;
  std::set<std::string> addresses;
  for (const Node& node : wish.nodes) {
    if (const std::string why = unfit(node.name); !why.empty())
      return Error{"--nodes: " + quoted(node.name) + " " + why};
    if (const std::string why = trouble(node.address, wish.store); !why.empty())
      return Error{"--nodes: " + quoted(node.address) + " of " + node.name + " " + why};
    if (!names.insert(inLowerCase(node.name)).second) return Error{"--nodes: " + node.name + " is there twice"};
    if (!addresses.insert(node.address).second) return Error{"--nodes: " + node.address + " is there twice"};
  }
  if (std::none_of(wish.nodes.begin(), wish.nodes.end(), [&](const Node& node) { return node.name == wish.self; }))
    return Error{"--self: " + quoted(wish.self) + " is none of the nodes: " + namesOf(wish.nodes)};
  for (const uint16_t port : wish.ports) {
    if (port == 0) return Error{"--port: 1 to 65535"};
    if (std::count(wish.ports.begin(), wish.ports.end(), port) > 1)
      return Error{"--port: " + std::to_string(port) + " is there twice"};
  }
  return {};
}

/// Nodes that have an address keep it; the others get theirs by their place, or the next one that is free. What a node had that
/// is none any more is free last: until names have turned, what is for the old one comes there.
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
  std::set<std::string> left;
  for (const auto& [name, address] : wish.known)
    left.insert(address);
  const auto freeFrom = [&](size_t first, bool sparing) -> std::optional<std::string> {
    for (size_t i = 0; i < kMaxNodes; ++i) {
      std::string address = prefix + std::to_string(kFirst + (first + i) % kMaxNodes);
      if (!taken.contains(address) && !(sparing && left.contains(address))) return address;
    }
    return std::nullopt;
  };
  for (size_t i = 0; i < wish.nodes.size(); ++i) {
    if (listens.contains(wish.nodes[i].name)) continue;
    auto address = freeFrom(i, true);
    if (!address) address = freeFrom(i, false);  // no more nodes than addresses (check())
    listens[wish.nodes[i].name] = *taken.insert(*address).first;
  }
  return listens;
}

std::string configText(const Wish& wish, const Plan& plan) {
  Json peers = Json::array();
  for (const Path& path : plan.paths)
    peers.push_back({{"name", path.peer}, {"listen", path.listen}, {"address", path.address}});
  return Json{{"node", wish.self}, {"preset", toString(wish.store)}, {"peers", peers}}.dump(2) + "\n";
}

std::string routeUnit(const std::string& prefix) {
  return "# Made by `peerpulse recipe`: addresses that no interface has, for peerpulse's listeners.\n"
         "[Unit]\n"
         "Description=Addresses of peerpulse's listeners\n"
         "After=network-pre.target\n"
         // Without the route a store's connects to its peers would leave this host and hang.
         "Before=peerpulse.service minio.service network-online.target\n"
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
      "# Made by `peerpulse recipe`: EnvironmentFile=- of the store's unit, or --env-file of its container.\n";
  if (wish.store == Store::kRustfs) {
    text += "RUSTFS_ADDRESS=" + own + "\nRUSTFS_INTERNODE_HTTP_PROXY=off\n";
  } else if (wish.store == Store::kMinio) {
    text += "# Of MINIO_OPTS a container knows nothing: its command line needs --address.\nMINIO_OPTS=\"--address " +
            own + "\"\n";
  }
  return text + "NO_PROXY=" + namesOf(wish.nodes) + "\nno_proxy=" + namesOf(wish.nodes) + "\n";
}

/// "node{1...4}" where the names are such a row; empty where they are not.
std::string rowOf(const std::vector<Node>& nodes) {
  const std::string& first = nodes.front().name;
  const size_t digits = first.find_last_not_of("0123456789") + 1;
  unsigned from = 0;
  const auto [end, error] = std::from_chars(first.data() + digits, first.data() + first.size(), from);
  if (error != std::errc() || first != first.substr(0, digits) + std::to_string(from)) return "";
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].name != first.substr(0, digits) + std::to_string(from + i)) return "";
  }
  return first.substr(0, digits) + "{" + std::to_string(from) + "..." + std::to_string(from + nodes.size() - 1) + "}";
}

/// One argument with ranges, or all of them without: to these stores each argument with a range is a pool of its own.
std::string example(const Wish& wish, uint16_t port, const std::string& path) {
  const std::string end = ":" + std::to_string(port) + path;
  const std::string row = rowOf(wish.nodes);
  if (!row.empty()) return "http://" + row + end + "{1...4}";
  std::string urls;
  for (const Node& node : wish.nodes)
    urls += (urls.empty() ? "http://" : " http://") + node.name + end + "1";
  return urls;
}

const char* exampleNote(const Wish& wish) {
  return rowOf(wish.nodes).empty()
             ? " (and so on for each disk, each written out: an argument with {1...4} would be a pool of its own)"
             : " (your own disks, of course)";
}

std::string dropIn(const char* unit) {
  return std::string("`systemctl edit ") + unit +
         "` (your store's unit): [Unit] After=peerpulse.service Wants=peerpulse.service, so that it finds listeners "
         "when this "
         "host starts (without them it is refused at once and tries again); [Service] EnvironmentFile=-" +
         kEnvironmentPath +
         ", after all others that it has (by the \"-\" the store starts without the file too, as after --undo)";
}

std::string wildcard(const std::string& own) {
  return own + ", never \":" + own.substr(own.rfind(':') + 1) +
         "\": a wildcard listener of this store would answer for dead peers";
}

void addRustfs(Plan& plan, const Wish& wish, const std::string& own, uint16_t port) {
  plan.steps.push_back(dropIn("rustfs"));
  plan.steps.push_back("volumes by name, the same on every node: RUSTFS_VOLUMES=\"" +
                       example(wish, port, "/data/rustfs") + "\"" + exampleNote(wish));
  plan.cautions = {
      "RUSTFS_ADDRESS must be " + wildcard(own),
      "HTTP_PROXY in the store's environment takes its traffic elsewhere: RUSTFS_INTERNODE_HTTP_PROXY=off exists "
      "since 1.0.0-beta.9; before, NO_PROXY (in " +
          std::string(kEnvironmentPath) + ") is the only way, or to unset it"};
}

void addMinio(Plan& plan, const Wish& wish, const std::string& own, uint16_t port) {
  plan.steps.push_back(dropIn("minio"));
  plan.steps.push_back("start by name, the same list on every node: minio server " +
                       example(wish, port, "/data/disk") + exampleNote(wish));
  plan.steps.emplace_back("run peerpulse on every node: half of MinIO's grid is dialled by the other side");
  plan.cautions = {
      "give the address by --address or MINIO_OPTS, never by MINIO_ADDRESS: nodes compare their MINIO_ variables, "
      "and "
      "with different ones the cluster never forms",
      "MINIO_OPTS is read by minio.service alone: a container needs --address " + own +
          " on its command line, after `server`",
      "the address must be " + wildcard(own),
      "names that lead to 127.0.0.0/8 are local to MinIO, whatever the address: hence " + *plan.anyIp};
}

// rsync has no port in the ring: by a name it would reach whoever serves rsync on this host.
void addSwift(Plan& plan, const Wish& wish, const std::string& own, uint16_t port) {
  const auto self =
      std::find_if(wish.nodes.begin(), wish.nodes.end(), [&](const Node& n) { return n.name == wish.self; });
  const std::string colonPort = ":" + std::to_string(port);
  const bool six = self->address.find(':') != std::string::npos;
  plan.steps.push_back(dropIn("swift-object"));
  plan.steps.push_back("bind_ip = " + self->address +
                       " in object-server.conf, container-server.conf and account-server.conf");
  plan.steps.push_back(
      "the rings' devices by name, their replication by address, the same on every node: swift-ring-builder "
      "object.builder add r1z1-" +
      self->name + colonPort + "R" + own + "/sda1 100");
  plan.steps.push_back("of rings that exist: swift-ring-builder object.builder set_info --ip " + self->address +
                       " --change-ip " + self->name +
                       " for each node (its replication address stays), then write_ring; the "
                       "same for container.builder and account.builder");
  plan.cautions = {
      std::string("replication must have addresses in the ring (R") +
          (six ? "[" + self->address + "]" : self->address) + colonPort +
          "): with a name rsync would reach this host's own rsync server, and partitions that are believed to be "
          "copied are removed. It does not pass peerpulse",
      "a ring with addresses instead of names passes this host by: let the guard alone protect it (guard.mode: "
      "guard)",
      "bind_ip must be this node's own address, never 0.0.0.0: a wildcard listener would answer for dead peers"};
}

void addStoreSteps(Plan& plan, const Wish& wish, const std::string& own, uint16_t port) {
  switch (wish.store) {
    case Store::kRustfs: addRustfs(plan, wish, own, port); break;
    case Store::kMinio: addMinio(plan, wish, own, port); break;
    case Store::kSwift: addSwift(plan, wish, own, port); break;
  }
  plan.cautions.push_back(
      "on this host the names lead to peerpulse whatever the port: `ssh " + wish.nodes.back().name +
      "` would reach this host itself. Other programs should use addresses, or names of their own");
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

std::string peerOf(const std::string& node, const std::string& port) { return node + "-" + port; }

std::string nodeOf(const std::string& peer, const std::string& port) {
  const std::string suffix = peerOf("", port);
  return peer.size() > suffix.size() && peer.ends_with(suffix) ? peer.substr(0, peer.size() - suffix.size()) : peer;
}

std::map<std::string, std::string> listensIn(const std::string& config) {
  std::map<std::string, std::string> listens;
  const Json json = Json::parse(config, nullptr, false);
  if (!json.is_object() || !json.contains("peers") || !json["peers"].is_array()) return listens;
  for (const Json& peer : json["peers"]) {
    if (!peer.is_object() || !peer.contains("name") || !peer.contains("listen")) continue;
    if (!peer["name"].is_string() || !peer["listen"].is_string()) continue;
    const std::string listen = peer["listen"];
    listens.emplace(nodeOf(peer["name"], listen.substr(listen.rfind(':') + 1)), listen.substr(0, listen.rfind(':')));
  }
  return listens;
}

bool carriesOut(const std::string& config, const Plan& plan) {
  const Json json = Json::parse(config, nullptr, false);
  const auto has = [](const Json& object, const char* key, const std::string& value) {
    const auto at = object.find(key);
    return at != object.end() && at->is_string() && at->get_ref<const std::string&>() == value;
  };
  if (!json.is_object() || !has(json, "node", plan.self) || !has(json, "preset", toString(plan.store))) return false;
  const auto peers = json.find("peers");
  if (peers == json.end() || !peers->is_array() || peers->size() != plan.paths.size()) return false;
  return std::all_of(plan.paths.begin(), plan.paths.end(), [&](const Path& path) {
    return std::any_of(peers->begin(), peers->end(), [&](const Json& peer) {
      return peer.is_object() && has(peer, "name", path.peer) && has(peer, "listen", path.listen) &&
             has(peer, "address", path.address);
    });
  });
}

Result<std::vector<Node>> parseNodes(const std::string& text) {
  std::vector<Node> nodes;
  for (size_t from = 0; from <= text.size();) {
    const size_t to = std::min(text.find(',', from), text.size());
    const std::string part = text.substr(from, to - from);
    const size_t equals = part.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == part.size())
      return Error{"--nodes: " + quoted(part) + " is not NAME=ADDRESS"};
    std::string address = part.substr(equals + 1);
    if (address.starts_with("[") && address.ends_with("]")) address = address.substr(1, address.size() - 2);
    nodes.push_back({part.substr(0, equals), canonical(address)});
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
  const std::vector<uint16_t> ports = portsOf(wish);
  for (const Node& node : wish.nodes) {
    if (node.name == wish.self) {
      ownAddress = node.address;
      plan.hosts.push_back({node.address, node.name});
      continue;
    }
    const std::string& listen = listens.at(node.name);
    plan.hosts.push_back({listen, node.name});
    for (const uint16_t each : ports) {
      const std::string port = std::to_string(each);
      plan.paths.push_back({node.name, ports.size() > 1 ? peerOf(node.name, port) : node.name, withPort(listen, port),
                            withPort(node.address, port)});
    }
  }
  const std::string own = withPort(ownAddress, std::to_string(ports.front()));
  if (wish.store == Store::kMinio) {
    plan.anyIp = kAnyIpPrefix;
    const std::string unit = std::string("/etc/systemd/system/") + kRouteUnit;
    plan.files.push_back({unit, routeUnit(*plan.anyIp)});
    plan.links.push_back({std::string("/etc/systemd/system/multi-user.target.wants/") + kRouteUnit, unit});
  }
  plan.files.push_back({kConfigPath, configText(wish, plan)});
  plan.files.push_back({kEnvironmentPath, environmentText(wish, own)});
  plan.start.push_back("peerpulse check --config " + std::string(kConfigPath));
  plan.start.emplace_back("systemctl enable peerpulse && systemctl restart peerpulse");
  addStoreSteps(plan, wish, own, ports.front());
  plan.steps.emplace_back("restart the store, one node after the other, peerpulse running");
  plan.steps.emplace_back("the same command with --verify says whether the traffic passes");
  return plan;
}

}  // namespace peerpulse::recipe
