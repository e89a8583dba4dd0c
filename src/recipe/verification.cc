#include "peerpulse/recipe/verification.h"

#include <algorithm>
#include <array>
#include <memory>
#include <netdb.h>
#include <set>
#include <sys/socket.h>
#include <utility>

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

const RunningPeer* find(const Running& running, const std::string& peer) {
  const auto at = std::find_if(running.peers.begin(), running.peers.end(),
                               [&](const RunningPeer& each) { return each.name == peer; });
  return at == running.peers.end() ? nullptr : &*at;
}

Finding checkListener(const Path& path, const SocketTable& table, const Running& running) {
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
  if (const RunningPeer* peer = find(running, path.peer);
      peer != nullptr && peer->open && peer->listen == path.listen) {
    return {Kind::kNotYet, path.listen + " refuses for now: " + path.peer + " is " + peer->verdict,
            "`peerpulse diagnose " + path.peer + "` says why"};
  }
  return {Kind::kBad, "nobody listens at " + path.listen + " for " + path.name,
          "systemctl start peerpulse (its log says why if it cannot)"};
}

Finding checkTraffic(const Path& path, const SocketTable& table, Store store) {
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
  // Its replication goes by addresses, and is to.
  const bool replicates = store == Store::kSwift;
  if (!past.empty() && replicates && pass == 0) {
    return {Kind::kNotYet,
            joined({past.begin(), past.end()}) + " has connections to " + path.address + ", nobody to " + path.name +
                " at " + path.listen,
            "replication is to go there; all else goes by the ring, which must have names"};
  }
  if (!past.empty() && !replicates) {
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

Observed observe(const Plan& plan, Running running) {
  Observed observed;
  observed.running = std::move(running);
  for (const HostEntry& host : plan.hosts)
    observed.addresses[host.name] = resolve(host.name);
  observed.table = SocketTable::read();
  return observed;
}

std::vector<Finding> verify(const Plan& plan, const Observed& observed) {
  std::vector<Finding> findings;
  for (const HostEntry& host : plan.hosts)
    findings.push_back(checkName(host, observed));
  for (Finding& finding : compare(plan, observed.running))
    findings.push_back(std::move(finding));
  for (const Path& path : plan.paths)
    findings.push_back(checkListener(path, observed.table, observed.running));
  for (const Path& path : plan.paths)
    findings.push_back(checkTraffic(path, observed.table, plan.store));
  return findings;
}

std::string whyNamesWait(const Plan& plan, const Observed& observed) {
  for (const Finding& finding : compare(plan, observed.running)) {
    if (finding.kind != Kind::kGood) return finding.text;
  }
  for (const Path& path : plan.paths) {
    const Finding finding = checkListener(path, observed.table, observed.running);
    if (finding.kind == Kind::kBad) return finding.text;
  }
  return "";
}

std::vector<Finding> compare(const Plan& plan, const Running& running) {
  if (!running.noAnswer.empty()) {
    return {{Kind::kNotYet, "what peerpulse does cannot be asked: " + running.noAnswer,
             "systemctl start peerpulse, or say with --admin where its admin listens"}};
  }
  const std::string advice =
      std::string("systemctl restart peerpulse: it runs with something else than ") + kConfigPath + " now has";
  std::vector<Finding> findings;
  const auto bad = [&](std::string text) { findings.push_back({Kind::kBad, std::move(text), advice}); };
  for (const Path& path : plan.paths) {
    const RunningPeer* peer = find(running, path.peer);
    if (peer == nullptr) {
      bad("the peerpulse that runs has no peer " + path.peer);
      continue;
    }
    if (peer->listen != path.listen)
      bad("the peerpulse that runs listens for " + path.peer + " at " + peer->listen + ", not at " + path.listen);
    if (peer->address != path.address)
      bad("the peerpulse that runs sends what is for " + path.peer + " to " + peer->address + ", not to " +
          path.address);
  }
  for (const RunningPeer& peer : running.peers) {
    if (std::none_of(plan.paths.begin(), plan.paths.end(), [&](const Path& path) { return path.peer == peer.name; }))
      bad("the peerpulse that runs has a peer " + peer.name + ", which the recipe has not");
  }
  if (findings.empty())
    findings.push_back(
        {Kind::kGood, "peerpulse runs with the recipe's " + std::to_string(plan.paths.size()) + " peers", ""});
  return findings;
}

}  // namespace peerpulse::recipe
