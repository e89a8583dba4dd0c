#include "own_address.h"

#include <algorithm>
#include <cstring>
#include <ifaddrs.h>
#include <memory>
#include <netinet/in.h>

#include "peerpulse/base/assert.h"
#include "peerpulse/config/config.h"

namespace peerpulse::config {

namespace {

constexpr Host kAny6{};
constexpr Host kAny4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr Host kLoopback6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr Host kLoopback4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};

bool isV4(const Host& host) { return std::equal(host.begin(), host.begin() + 12, kAny4.begin()); }

Host mapped(const in_addr& v4) {
  Host host = kAny4;
  std::memcpy(&host[12], &v4.s_addr, 4);
  return host;
}

/// Requires AF_INET or AF_INET6.
Host hostOf(const sockaddr* address) {
  if (address->sa_family == AF_INET) return mapped(reinterpret_cast<const sockaddr_in*>(address)->sin_addr);
  Host host;
  std::memcpy(host.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, host.size());
  return host;
}

}  // namespace

Host hostOf(const SocketAddress& address) {
  PP_ASSERT(address.family() == AF_INET || address.family() == AF_INET6);
  return hostOf(address.get());
}

OwnHosts OwnHosts::ofThisHost() {
  std::vector<Host> hosts;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return OwnHosts({});
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family == AF_INET || family == AF_INET6) hosts.push_back(hostOf(entry->ifa_addr));
  }
  return OwnHosts(std::move(hosts));
}

bool OwnHosts::has(const Host& host) const {
  if (host == kLoopback6 || (isV4(host) && host[12] == 127)) return true;
  return std::find(hosts_.begin(), hosts_.end(), host) != hosts_.end();
}

bool leadsTo(const SocketAddress& address, const SocketAddress& listen, const OwnHosts& own) {
  if (address.isUnix() || listen.isUnix()) return address == listen;
  if (address.port() != listen.port() || listen.port() == 0) return false;
  Host to = hostOf(address);
  if (to == kAny4) to = kLoopback4;
  if (to == kAny6) to = kLoopback6;
  const Host at = hostOf(listen);
  if (at == kAny4) return isV4(to) && own.has(to);
  if (at == kAny6) return own.has(to);  // of IPv4, too
  return to == at;
}

namespace {

std::vector<SocketAddress> listenersOf(const Config& config) {
  std::vector<SocketAddress> listeners = {config.admin.listen, config.admin.metricsListen, config.api.listen};
  for (const proxy::PeerOptions& peer : config.proxy.peers)
    listeners.push_back(peer.listen);
  std::erase_if(listeners, [](const auto& listen) { return listen.family() == AF_UNSPEC; });
  return listeners;
}

}  // namespace

void removeOwnListeners(const Config& config, std::vector<SocketAddress>& addresses) {
  const OwnHosts own = OwnHosts::ofThisHost();
  const std::vector<SocketAddress> listeners = listenersOf(config);
  std::erase_if(addresses, [&](const SocketAddress& address) {
    return std::any_of(listeners.begin(), listeners.end(),
                       [&](const SocketAddress& listen) { return leadsTo(address, listen, own); });
  });
}

bool isOwnAddress(const SocketAddress& address) {
  return address.isUnix() || OwnHosts::ofThisHost().has(hostOf(address));
}

}  // namespace peerpulse::config
