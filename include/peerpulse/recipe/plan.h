// Plan: what has to be on a host so that a store's traffic to its peers passes peerpulse, and still does after a reboot: names
// in /etc/hosts that lead to listeners, routes of addresses that no interface has, the configuration, the store's environment.
// Locality is the crux: the store must take its own name for its own address, and no peer's name for an address of this host.
//
//   rustfs, swift   peers' names lead to 127.0.0.12 and so on, of which no interface tells (RustFS and Swift compare with the
//                   addresses of interfaces; a Swift ring must have names for devices)
//   minio           takes every loopback address for its own, so 198.18.0.12 and so on (RFC 2544, used by nobody), which a
//                   local route makes this host's without an interface having them (AnyIP)
//
// Pure. Threading: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "peerpulse/base/result.h"

namespace peerpulse::recipe {

enum class Store : uint8_t { kRustfs, kMinio, kSwift };
/// "rustfs", "minio", "swift".
const char* toString(Store store);

/// One node of the cluster, this one too; the same list in the same order on every host.
struct Node {
  std::string name;
  std::string address;  ///< IPv4 or IPv6, as inet_ntop() writes it, without a port
};

struct Wish {
  Store store = Store::kRustfs;
  std::vector<Node> nodes;
  std::string self;             ///< the name of one of them
  std::vector<uint16_t> ports;  ///< of the store; empty: 9000, for swift 6200, 6201, 6202
  /// Where names lead on this host already: a running peerpulse carries what comes there to that node. They stay so, and what a
  /// node has that is none any more is given to another one last.
  std::map<std::string, std::string> known;
};

/// Name of the peer that stands for one port of a node whose store has several ("node2-6200"), and back: `peer` itself if it
/// is named otherwise.
std::string peerOf(const std::string& node, const std::string& port);
std::string nodeOf(const std::string& peer, const std::string& port);

/// Of the configuration that an earlier plan has made: name of a node -> address of its listeners. Of other text: none.
std::map<std::string, std::string> listensIn(const std::string& config);

struct Plan;
/// Whether a configuration that somebody has written, with whatever else it says, has the plan's node and preset, and its peers'
/// names, listeners and addresses.
bool carriesOut(const std::string& config, const Plan& plan);

/// "node1=10.0.0.1,node2=10.0.0.2"; IPv6 addresses with or without brackets. The error says which part is wrong, and how.
Result<std::vector<Node>> parseNodes(const std::string& text);

struct HostEntry {
  std::string address;
  std::string name;
};

/// A file that is the recipe's alone. Paths are absolute.
struct OwnFile {
  std::string path;
  std::string content;
};

struct OwnLink {
  std::string path;
  std::string target;
};

/// What a peer's traffic should do.
struct Path {
  std::string name;     ///< of the node
  std::string peer;     ///< what the configuration calls it
  std::string listen;   ///< where its name leads to, ADDRESS:PORT
  std::string address;  ///< where it is
};

struct Plan {
  Store store{};
  std::string self;
  std::vector<HostEntry> hosts;  ///< all nodes: whatever else /etc/hosts says of them is switched off
  std::vector<OwnFile> files;
  std::vector<OwnLink> links;
  std::optional<std::string> anyIp;  ///< the prefix that must be routed to this host
  std::vector<Path> paths;
  std::vector<std::string> start;  ///< what is left to do by hand, in this order, before names may lead to listeners
  std::vector<std::string> steps;  ///< and after it
  std::vector<std::string> cautions;  ///< what has broken such installations
};

inline constexpr const char* kConfigPath = "/etc/peerpulse/peerpulse.json";
inline constexpr const char* kEnvironmentPath = "/etc/peerpulse/store.env";
/// The addresses of a recipe that needs some that no interface has.
inline constexpr const char* kAnyIpPrefix = "198.18.0.0/24";
inline constexpr const char* kRouteUnit = "peerpulse-addresses.service";

/// Errors: fewer than two nodes or too many, a name or address twice, one that is none or cannot be a node's, `self` not among
/// them, a port of 0 or
/// one twice.
Result<Plan> planFor(const Wish& wish);

}  // namespace peerpulse::recipe
