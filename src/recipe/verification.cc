#include "peerpulse/recipe/verification.h"

#include <algorithm>
#include <array>
#include <memory>
#include <netdb.h>
#include <set>
#include <sys/socket.h>

namespace peerpulse::recipe {

namespace {

using Kind = Finding::Kind;

constexpr const char* kOurName = "peerpulse";

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts)
    all += (all.empty() ? "" : ", ") + text;
  return all.empty() ? "nothing" : all;
}

std::vector<std::string> resolve(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(each->ai_addr, each->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0)
      continue;
    if (std::find(addresses.begin(), addresses.end(), text.data()) == addresses.end())
      addresses.emplace_back(text.data());
  }
  return addresses;
}

std::string portOf(const std::string& endpoint) { return endpoint.substr(endpoint.rfind(':') + 1); }

/// "minio (pid 7)"; of another user's process nothing is known.
std::string ownerOf(const SocketTable& table, const TcpSocket& socket) {
  const auto owner = table.owners.find(socket.inode);
  if (owner == table.owners.end()) return "a process of another user (root sees which)";
  return owner->second.command + " (pid " + std::to_string(owner->second.pid) + ")";
}

bool isOurs(const SocketTable& table, const TcpSocket& socket) {
  const auto owner = table.owners.find(socket.inode);
  return owner != table.owners.end() && owner->second.command == kOurName;
}

Finding checkName(const HostEntry& host, const Observed& observed) {
  const auto found = observed.addresses.find(host.name);
  const std::vector<std::string> addresses =
      found == observed.addresses.end() ? std::vector<std::string>{} : found->second;
  if (addresses == std::vector{host.address}) return {Kind::kGood, host.name + " leads to " + host.address, ""};
  return {Kind::kBad, host.name + " leads to " + joined(addresses) + ", not to " + host.address + " alone",
          "run this command with --apply, and see that `hosts:` in /etc/nsswitch.conf begins with files"};
}

Finding checkListener(const Path& path, const SocketTable& table) {
  for (const TcpSocket& socket : table.sockets) {
    if (!socket.listens || socket.local != path.listen) continue;
    const std::string owner = ownerOf(table, socket);
    if (isOurs(table, socket)) return {Kind::kGood, path.listen + " is peerpulse's, for " + path.name, ""};
    if (!table.owners.contains(socket.inode))
      return {Kind::kNotYet, path.listen + " is held by " + owner, "ask as root"};
    return {Kind::kBad, path.listen + " is held by " + owner + ", not by peerpulse",
            "stop it, or give it another address"};
  }
  if (const TcpSocket* store = table.wildcardAt(portOf(path.listen))) {
    return {Kind::kBad,
            ownerOf(table, *store) + " listens on every address at port " + portOf(path.listen) +
                ": it answers for " + path.name,
            "bind the store to this node's own address, then start peerpulse"};
  }
  return {Kind::kBad, "nobody listens at " + path.listen + " for " + path.name,
          "systemctl start peerpulse (its log says why if it cannot); or it has shut this one, as the peer is dead "
          "or refuses: "
          "/peers of the admin says so"};
}

Finding checkTraffic(const Path& path, const SocketTable& table) {
  std::set<std::string> past;
  size_t pass = 0, unseen = 0;
  for (const TcpSocket& socket : table.sockets) {
    if (!socket.open || isOurs(table, socket)) continue;
    if (socket.remote == path.listen) ++pass;
    if (socket.remote != path.address) continue;
    // Without an owner it may be a probe of ours, over by the time that owners were looked for; or all that is ours.
    if (table.owners.contains(socket.inode)) {
      past.insert(ownerOf(table, socket));
    } else {
      ++unseen;
    }
  }
  if (!past.empty()) {
    return {Kind::kBad,
            joined({past.begin(), past.end()}) + " has connections to " + path.address + " that go past peerpulse",
            "its list of nodes must have names, not addresses; restart it"};
  }
  if (unseen > 0 && !table.seesAll)
    return {Kind::kNotYet, "whose connections to " + path.address + " are cannot be seen", "ask as root"};
  if (pass > 0) return {Kind::kGood, std::to_string(pass) + " connections to " + path.name + " pass peerpulse", ""};
  return {Kind::kNotYet, "nobody has a connection to " + path.name + " at " + path.listen,
          "start the store, or let it work, and ask again"};
}

}  // namespace

Observed observe(const Plan& plan) {
  Observed observed;
  for (const HostEntry& host : plan.hosts)
    observed.addresses[host.name] = resolve(host.name);
  observed.table = SocketTable::read();
  return observed;
}

std::vector<Finding> verify(const Plan& plan, const Observed& observed) {
  std::vector<Finding> findings;
  for (const HostEntry& host : plan.hosts)
    findings.push_back(checkName(host, observed));
  for (const Path& path : plan.paths)
    findings.push_back(checkListener(path, observed.table));
  for (const Path& path : plan.paths)
    findings.push_back(checkTraffic(path, observed.table));
  return findings;
}

}  // namespace peerpulse::recipe
