#include "name_check.h"

#include <algorithm>
#include <memory>
#include <netdb.h>

#include "same_host.h"

namespace peerpulse::cli {

std::vector<SocketAddress> resolve(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &list) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next)
    addresses.push_back(SocketAddress::fromSockaddr(entry->ai_addr, entry->ai_addrlen));
  return addresses;
}

std::string nameInUse(const std::string& node, const std::string& peer, const Resolver& resolver) {
  return node == peer || !resolver(node).empty() || resolver(peer).empty() ? node : peer;
}

Finding judgeName(const std::string& name, const std::vector<SocketAddress>& resolved, const SocketAddress& listen,
                  const SocketAddress& address) {
  const auto leadsTo = [&](const SocketAddress& host) {
    return std::any_of(resolved.begin(), resolved.end(),
                       [&](const SocketAddress& one) { return sameHost(one, host); });
  };
  Finding finding{Severity::kOk, "names", name, "", ""};
  if (resolved.empty()) {
    finding.what = "no such name here; the store calls this peer otherwise";
  } else if (leadsTo(address) && !sameHost(listen, address)) {
    const std::string text = address.toString();
    finding.severity = Severity::kWarning;
    finding.what = "leads to the peer's real address " + text.substr(0, text.rfind(':')) +
                   ": a store that calls it by that name passes peerpulse by";
    const std::string own = listen.toString();
    finding.todo = "in /etc/hosts on this host: " + own.substr(0, own.rfind(':')) + " " + name;
  } else if (leadsTo(listen) || isWildcard(listen)) {
    finding.what = "leads to peerpulse";
  } else {
    finding.severity = Severity::kAdvice;
    finding.what = "leads to " + resolved[0].toString().substr(0, resolved[0].toString().rfind(':')) +
                   ", neither to our listener " + listen.toString() + " nor to the peer";
  }
  return finding;
}

}  // namespace peerpulse::cli
