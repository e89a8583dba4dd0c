#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <memory>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <poll.h>
#include <sys/socket.h>

#include "deadline.h"
#include "knocks.h"
#include "peerpulse/base/fd.h"

namespace peerpulse::cli {

namespace {

constexpr int kRequests = 3;

in_addr v4Of(const SocketAddress& address) { return reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr; }

/// The link address of that interface; nothing for one that has none (tunnels).
bool linkAddressOf(int interface, std::array<unsigned char, ETH_ALEN>& into) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return false;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_PACKET) continue;
    const auto* link = reinterpret_cast<const sockaddr_ll*>(entry->ifa_addr);
    if (link->sll_ifindex != interface || link->sll_halen != ETH_ALEN || link->sll_hatype != ARPHRD_ETHER) continue;
    std::memcpy(into.data(), link->sll_addr, ETH_ALEN);
    return true;
  }
  return false;
}

ether_arp requestFor(const in_addr& target, const in_addr& source, const std::array<unsigned char, ETH_ALEN>& own) {
  ether_arp arp{};
  arp.ea_hdr.ar_hrd = htons(ARPHRD_ETHER);
  arp.ea_hdr.ar_pro = htons(ETHERTYPE_IP);
  arp.ea_hdr.ar_hln = ETH_ALEN;
  arp.ea_hdr.ar_pln = 4;
  arp.ea_hdr.ar_op = htons(ARPOP_REQUEST);
  std::memcpy(static_cast<void*>(arp.arp_sha), own.data(), ETH_ALEN);
  std::memcpy(static_cast<void*>(arp.arp_spa), &source, 4);
  std::memcpy(static_cast<void*>(arp.arp_tpa), &target, 4);
  return arp;
}

bool isAnswerOf(const ether_arp& arp, const in_addr& target) {
  return ntohs(arp.ea_hdr.ar_op) == ARPOP_REPLY && arp.ea_hdr.ar_hln == ETH_ALEN &&
         std::memcmp(static_cast<const void*>(arp.arp_spa), &target, 4) == 0;
}

}  // namespace

ArpAnswer knockByArp(const SocketAddress& host, int interface, const std::string& source) {
  in_addr own{};
  std::array<unsigned char, ETH_ALEN> ownLink{};
  if (host.family() != AF_INET || ::inet_pton(AF_INET, source.c_str(), &own) != 1 ||
      !linkAddressOf(interface, ownLink)) {
    return {};
  }
  const Fd fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETHERTYPE_ARP)));
  if (!fd.valid()) return {.heard = Heard::kNotPermitted, .linkAddress = {}, .error = errno};
  sockaddr_ll everybody{};
  everybody.sll_family = AF_PACKET;
  everybody.sll_protocol = htons(ETHERTYPE_ARP);
  everybody.sll_ifindex = interface;
  everybody.sll_halen = ETH_ALEN;
  std::memset(static_cast<void*>(everybody.sll_addr), 0xff, ETH_ALEN);
  const auto* to = reinterpret_cast<const sockaddr*>(&everybody);
  if (::bind(fd.get(), to, sizeof everybody) != 0)
    return {.heard = Heard::kUnreachable, .linkAddress = {}, .error = errno};
  const in_addr target = v4Of(host);
  const ether_arp request = requestFor(target, own, ownLink);
  for (int sent = 0; sent < kRequests; ++sent) {
    if (::sendto(fd.get(), &request, sizeof request, 0, to, sizeof everybody) < 0) {
      return {.heard = Heard::kUnreachable, .linkAddress = {}, .error = errno};
    }
    const Deadline next(kArpPatience / kRequests);
    while (!next.passed()) {
      pollfd entry{fd.get(), POLLIN, 0};
      if (::poll(&entry, 1, next.pollMillis()) <= 0) continue;
      ether_arp arp{};
      const ssize_t n = ::recv(fd.get(), &arp, sizeof arp, MSG_DONTWAIT);
      if (n < static_cast<ssize_t>(sizeof arp) || !isAnswerOf(arp, target)) continue;
      return {.heard = Heard::kAnswered,
              .linkAddress = linkAddressText(static_cast<const unsigned char*>(arp.arp_sha), ETH_ALEN)};
    }
  }
  return {.heard = Heard::kSilent, .linkAddress = {}};
}

}  // namespace peerpulse::cli
