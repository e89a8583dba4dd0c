#include "doctor.h"

#include <algorithm>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <set>
#include <utility>

#include "clock_check.h"
#include "http_client.h"
#include "name_check.h"
#include "peerpulse/recipe/plan.h"
#include "peerpulse/recipe/socket_table.h"
#include "persistence_check.h"
#include "process_table.h"
#include "same_host.h"
#include "store_environment.h"
#include "sysctl_check.h"
#include "text.h"

namespace peerpulse::cli {

namespace {

/// For the peers together: names, and their clocks.
constexpr Duration kNamesPatience = seconds(5);
constexpr Duration kDatesPatience = seconds(3);
/// The share of the limit beyond which there is too little left for a burst: clients have two thirds to three quarters of all
/// (net/descriptor_shares.h).
constexpr double kFull = 0.6;
constexpr uint64_t kFewDescriptors = 4096;

void append(Findings& to, Findings&& from) { to.insert(to.end(), from.begin(), from.end()); }

bool hasListener(const DoctorPeer& peer) {
  return peer.listen.family() == AF_INET || peer.listen.family() == AF_INET6;
}

/// The sockets that matter here, and whose they are.
class Sockets {
 public:
  explicit Sockets(const DoctorView& view) : view_(view), table_(recipe::SocketTable::read()) {
    for (const recipe::TcpSocket& socket : table_.sockets) {
      if (isOurListener(socket) && ownerOf(socket) != nullptr) own_ = *ownerOf(socket);
    }
  }

  /// The process of peerpulse; nothing when it is another user's.
  const std::optional<recipe::Owner>& own() const { return own_; }
  /// Listeners on all addresses with the port of one of ours: where, and who.
  std::vector<std::pair<std::string, std::string>> thieves() const {
    std::vector<std::pair<std::string, std::string>> found;
    for (const recipe::TcpSocket& socket : table_.sockets) {
      if (!stealsFromUs(socket)) continue;
      const recipe::Owner* owner = ownerOf(socket);
      if (owner != nullptr && own_ && owner->pid == own_->pid) continue;
      found.emplace_back(socket.local,
                         owner != nullptr ? "process " + processText(*owner) : "a process of another user");
    }
    return found;
  }
  /// Who talks to our listeners; by pid.
  std::map<int, recipe::Owner> clients() const {
    std::map<int, recipe::Owner> found;
    for (const recipe::TcpSocket& socket : table_.sockets) {
      const recipe::Owner* owner = ownerOf(socket);
      if (owner != nullptr && isOurClient(socket)) found.emplace(owner->pid, *owner);
    }
    return found;
  }

 private:
  const recipe::Owner* ownerOf(const recipe::TcpSocket& socket) const {
    const auto owner = table_.owners.find(socket.inode);
    return owner != table_.owners.end() ? &owner->second : nullptr;
  }
  template <typename Matches>
  bool anyListener(Matches matches) const {
    return std::any_of(view_.peers.begin(), view_.peers.end(),
                       [&](const DoctorPeer& peer) { return hasListener(peer) && matches(peer.listen); });
  }
  bool isOurListener(const recipe::TcpSocket& socket) const {
    if (!socket.listens) return false;
    return socket.local == view_.admin.toString() ||
           anyListener([&](const SocketAddress& listen) { return socket.local == listen.toString(); });
  }
  bool stealsFromUs(const recipe::TcpSocket& socket) const {
    const auto local = SocketAddress::parse(socket.local);
    return socket.listens && local && isWildcard(*local) && anyListener([&](const SocketAddress& listen) {
             return !isWildcard(listen) && listen.port() == local->port();
           });
  }
  bool isOurClient(const recipe::TcpSocket& socket) const {
    return socket.open &&
           anyListener([&](const SocketAddress& listen) { return socket.remote == listen.toString(); });
  }

  const DoctorView& view_;
  recipe::SocketTable table_;
  std::optional<recipe::Owner> own_;
};

Findings checkDescriptors(const DoctorView& view, const HostFiles& files, const recipe::Owner& own) {
  const auto limit = descriptorLimit(files, own.pid);
  if (!limit) return {};
  const std::string where = "process " + processText(own);
  const std::string numbers =
      std::to_string(limit->open) + " of " + std::to_string(limit->soft) + " descriptors in use";
  const std::string todo = "LimitNOFILE=1048576 in its unit (systemd/peerpulse.service), then restart it";
  if (static_cast<double>(limit->open) > kFull * static_cast<double>(limit->soft)) {
    return {
        {Severity::kProblem, "descriptors", where, numbers + ": new clients are turned away soon, or already", todo}};
  }
  if (limit->soft < kFewDescriptors)
    return {{Severity::kWarning, "descriptors", where, numbers + ": that is few", todo}};
  if (view.clientsAtMost > static_cast<double>(limit->soft)) {
    return {{Severity::kAdvice, "descriptors", where,
             numbers + "; limits.max_downstream_connections allows " + shortNumber(view.clientsAtMost) + " clients",
             todo}};
  }
  return {{Severity::kOk, "descriptors", where, numbers, ""}};
}

Findings checkCapabilities(const DoctorView& view, const HostFiles& files, const std::optional<recipe::Owner>& own) {
  Findings findings;
  if (!view.guardMissing.empty()) {
    findings.push_back({Severity::kWarning, "capabilities", "guard", view.guardMissing,
                        "systemd/peerpulse.service.d/guard.conf gives it CAP_NET_ADMIN; or guard.mode: proxy"});
  } else if (view.guardActive) {
    findings.push_back({Severity::kOk, "capabilities", "guard", "has what it needs", ""});
  }
  if (!view.transparentMissing.empty()) {
    findings.push_back(
        {Severity::kProblem, "capabilities", "transparent", view.transparentMissing + ": clients go past peerpulse",
         "systemd/peerpulse.service.d/guard.conf gives it CAP_NET_ADMIN; NAT needs a kernel with nf_tables "
         "and nft_nat"});
  } else if (view.transparentActive) {
    findings.push_back({Severity::kOk, "capabilities", "transparent", "has what it needs", ""});
  }
  if (!own || !view.icmp) return findings;
  const auto raw = hasCapability(files, own->pid, CAP_NET_RAW);
  const auto ping = mayPing(files, own->pid);
  if (!raw || !ping) return findings;
  if (*raw || *ping) {
    findings.push_back({Severity::kOk, "capabilities", "icmp", "may send echoes", ""});
  } else {
    findings.push_back(
        {Severity::kAdvice, "capabilities", "icmp",
         "may not send echoes: peers without HTTP/2 are probed by a connect every interval, which costs them "
         "3 to 4 % of a core",
         "net.ipv4.ping_group_range = 0 2147483647, or systemd/peerpulse.service.d/icmp.conf"});
  }
  return findings;
}

/// The node that a peer, which may be one port of it, belongs to: what a store calls it.
std::string nodeNameOf(const DoctorPeer& peer) {
  const uint16_t port = hasListener(peer) ? peer.listen.port() : peer.address.port();
  return recipe::nodeOf(peer.name, std::to_string(port));
}

/// What a store calls its peers, each once, whether or not it is asked where they lead.
std::set<std::string> nodeNames(const DoctorView& view) {
  std::set<std::string> names;
  for (const DoctorPeer& peer : view.peers)
    names.insert(nodeNameOf(peer));
  return names;
}

/// `names`: all nodeNames(); where only a peer's whole name is known here, that takes the node's place.
Findings checkNames(const DoctorView& view, std::set<std::string>& names) {
  Findings findings;
  std::set<std::string> told;
  std::map<std::string, std::vector<SocketAddress>> answers;
  const auto lookUp = [&](const std::string& name) {
    const auto [at, isNew] = answers.try_emplace(name);
    if (isNew) at->second = resolve(name);
    return at->second;
  };
  const Deadline deadline(kNamesPatience);
  for (const DoctorPeer& peer : view.peers) {
    if (!hasListener(peer)) continue;
    if (deadline.passed()) {
      findings.push_back({Severity::kAdvice, "names", peer.name,
                          "and those after it were not asked: the resolver is slow",
                          "put the peers' names into /etc/hosts"});
      break;
    }
    const std::string node = nodeNameOf(peer);
    const std::string name = nameInUse(node, peer.name, lookUp);
    if (name != node) {
      names.erase(node);
      names.insert(name);
    }
    if (told.insert(name).second) findings.push_back(judgeName(name, lookUp(name), peer.listen, peer.address));
  }
  return findings;
}

Findings checkThieves(const Sockets& sockets) {
  Findings findings;
  for (const auto& [where, who] : sockets.thieves()) {
    findings.push_back(
        {Severity::kProblem, "listeners", where,
         who + " listens on all addresses with the port of our listeners: where ours is closed (a dead peer, "
               "a restart), it answers in the peer's place",
         "let the store listen on its own address only (RUSTFS_ADDRESS=10.0.0.1:9000, --address)"});
  }
  if (findings.empty()) findings.push_back({Severity::kOk, "listeners", "", "nobody listens in front of ours", ""});
  return findings;
}

Findings checkStores(const HostFiles& files, const Sockets& sockets, int storePid,
                     const std::set<std::string>& nodes) {
  std::map<int, recipe::Owner> stores;
  if (storePid != 0) {
    stores.emplace(storePid, recipe::Owner{storePid, "store"});
  } else {
    stores = sockets.clients();
  }
  const std::vector<std::string> names(nodes.begin(), nodes.end());
  Findings findings;
  for (const auto& [pid, process] : stores) {
    const auto environment = environmentOf(files, pid);
    if (environment) {
      append(findings, checkStoreEnvironment(processText(process), *environment, names));
    } else {
      findings.push_back({Severity::kAdvice, "environment", "process " + processText(process), "may not be looked at",
                          "run this command as root"});
    }
  }
  if (stores.empty()) {
    findings.push_back({Severity::kAdvice, "environment", "the store",
                        "nobody is connected to our listeners: no storage process could be looked at",
                        "--store-pid says which it is; root sees those of other users"});
  }
  return findings;
}

Findings checkClocks(const DoctorView& view) {
  Findings findings{checkSynchronised()};
  const Deadline deadline(kDatesPatience);
  for (const DoctorPeer& peer : view.peers) {
    if (peer.verdict != "alive" || deadline.passed()) continue;
    HttpRequest request;
    request.method = "HEAD";
    request.authority = peer.address.toString();
    const auto response = httpRequest(peer.address, request, Deadline(milliseconds(500)));
    if (!response) continue;  // speaks HTTP/2 only, say
    if (const auto date = parseHttpDate(response->headers.find("date"))) {
      findings.push_back(checkSkew(peer.name, *date, wallNow()));
    }
  }
  return findings;
}

std::vector<SocketAddress> interfaceAddresses() {
  std::vector<SocketAddress> addresses;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return addresses;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family == AF_INET) addresses.push_back(SocketAddress::fromSockaddr(entry->ifa_addr, sizeof(sockaddr_in)));
    if (family == AF_INET6) addresses.push_back(SocketAddress::fromSockaddr(entry->ifa_addr, sizeof(sockaddr_in6)));
  }
  return addresses;
}

Findings checkPersistence(const DoctorView& view, const HostFiles& files) {
  std::vector<SocketAddress> listens;
  for (const DoctorPeer& peer : view.peers) {
    if (hasListener(peer)) listens.push_back(peer.listen);
  }
  Findings findings = checkAddressesPersist(files, listens, interfaceAddresses());
  append(findings, checkServicePersists(files));
  return findings;
}

}  // namespace

const char* severityName(Severity severity) {
  switch (severity) {
    case Severity::kOk: return "ok";
    case Severity::kAdvice: return "advice";
    case Severity::kWarning: return "warning";
    case Severity::kProblem: return "problem";
  }
  return "?";
}

Findings examine(const DoctorView& view, const HostFiles& files, int storePid) {
  Findings findings;
  if (view.reached) {
    findings.push_back({Severity::kOk, "peerpulse", view.admin.toString(), "answers", ""});
  } else {
    findings.push_back(
        {Severity::kProblem, "peerpulse", view.admin.toString(), view.error, "start it: systemctl start peerpulse"});
  }
  append(findings, checkSysctls(files));
  const Sockets sockets(view);
  if (sockets.own()) {
    append(findings, checkDescriptors(view, files, *sockets.own()));
  } else if (view.reached) {
    findings.push_back({Severity::kAdvice, "descriptors", "peerpulse", "its process may not be looked at",
                        "run this command as root"});
  }
  append(findings, checkCapabilities(view, files, sockets.own()));
  std::set<std::string> names = nodeNames(view);
  append(findings, checkNames(view, names));
  append(findings, checkThieves(sockets));
  append(findings, checkStores(files, sockets, storePid, names));
  append(findings, checkClocks(view));
  append(findings, checkPersistence(view, files));
  return findings;
}

}  // namespace peerpulse::cli
