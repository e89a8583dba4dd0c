#include "kernel_routes.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "peerpulse/base/fd.h"
#include "peerpulse/netlink/netlink_socket.h"

namespace peerpulse::cli {

namespace {

struct AddressBytes {
  const void* data;
  uint16_t size;
};

AddressBytes bytesOf(const SocketAddress& address) {
  if (address.family() == AF_INET6) return {&reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr, 16};
  return {&reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr, 4};
}

std::string ipText(const nlattr* attribute) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const uint16_t size = mnl_attr_get_payload_len(attribute);
  const int family = size == 16 ? AF_INET6 : AF_INET;
  if (size != 4 && size != 16) return "";
  return ::inet_ntop(family, mnl_attr_get_payload(attribute), text.data(), text.size()) != nullptr ? text.data() : "";
}

/// `each` sees the attributes behind a message's head of `headSize`.
template <typename Each>
void forEachAttribute(const nlmsghdr& message, size_t headSize, Each each) {
  const auto call = [](const nlattr* attribute, void* data) {
    (*static_cast<Each*>(data))(attribute);
    return MNL_CB_OK;
  };
  (void)mnl_attr_parse(&message, static_cast<unsigned>(headSize), call, &each);
}

Route::Kind kindOf(unsigned char type) {
  switch (type) {
    case RTN_LOCAL: return Route::Kind::kLocal;
    case RTN_UNREACHABLE:
    case RTN_PROHIBIT:
    case RTN_BLACKHOLE: return Route::Kind::kForbidden;
    default: return Route::Kind::kUnicast;
  }
}

/// By ioctl: /sys may be that of another network namespace.
bool hasCarrier(const std::string& device) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  device.copy(static_cast<char*>(request.ifr_name), IF_NAMESIZE - 1);
  if (::ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) return true;  // nothing known against it
  return (request.ifr_flags & IFF_RUNNING) != 0;
}

Route routeOf(const nlmsghdr& message) {
  const auto* head = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message));
  Route route;
  route.kind = kindOf(head->rtm_type);
  forEachAttribute(message, sizeof(rtmsg), [&](const nlattr* attribute) {
    const uint16_t type = mnl_attr_get_type(attribute);
    if (type == RTA_GATEWAY) route.gateway = ipText(attribute);
    if (type == RTA_PREFSRC) route.source = ipText(attribute);
    if (type == RTA_OIF && mnl_attr_get_payload_len(attribute) == 4) {
      route.interface = static_cast<int>(mnl_attr_get_u32(attribute));
    }
  });
  std::array<char, IF_NAMESIZE> name{};
  if (::if_indextoname(static_cast<unsigned>(route.interface), name.data()) != nullptr) route.device = name.data();
  route.carrier = hasCarrier(route.device);
  return route;
}

Neighbour neighbourOf(const nlmsghdr& message, const ndmsg& head) {
  Neighbour neighbour;
  forEachAttribute(message, sizeof(ndmsg), [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) != NDA_LLADDR) return;
    neighbour.linkAddress = linkAddressText(static_cast<const unsigned char*>(mnl_attr_get_payload(attribute)),
                                            mnl_attr_get_payload_len(attribute));
  });
  if ((head.ndm_state & NUD_PERMANENT) != 0) {
    neighbour.state = Neighbour::State::kPermanent;
  } else if ((head.ndm_state & NUD_FAILED) != 0) {
    neighbour.state = Neighbour::State::kFailed;
  } else if ((head.ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)) != 0) {
    neighbour.state = Neighbour::State::kKnown;
  }
  return neighbour;
}

bool isOf(const nlmsghdr& message, const AddressBytes& address) {
  bool same = false;
  forEachAttribute(message, sizeof(ndmsg), [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) != NDA_DST) return;
    same = mnl_attr_get_payload_len(attribute) == address.size &&
           std::memcmp(mnl_attr_get_payload(attribute), address.data, address.size) == 0;
  });
  return same;
}

}  // namespace

std::string linkAddressText(const unsigned char* bytes, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    std::array<char, 4> part{};
    std::snprintf(part.data(), part.size(), "%s%02x", i > 0 ? ":" : "", bytes[i]);
    text += part.data();
  }
  return text;
}

Result<Route> lookUpRoute(const SocketAddress& to) {
  auto socket = netlink::NetlinkSocket::open(NETLINK_ROUTE);
  if (!socket) return socket.error();
  std::array<char, 256> bytes{};
  nlmsghdr* header = mnl_nlmsg_put_header(bytes.data());
  header->nlmsg_type = RTM_GETROUTE;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  header->nlmsg_seq = socket->nextSequence();
  const AddressBytes address = bytesOf(to);
  auto* head = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(rtmsg)));
  head->rtm_family = static_cast<unsigned char>(to.family());
  head->rtm_dst_len = static_cast<unsigned char>(8 * address.size);
  mnl_attr_put(header, RTA_DST, address.size, address.data);
  if (auto sent = socket->send(header, header->nlmsg_len); !sent) return sent.error();
  Route route;
  const auto done = socket->receiveAll(header->nlmsg_seq, [&](const nlmsghdr& message) {
    if (message.nlmsg_type == RTM_NEWROUTE) route = routeOf(message);
  });
  if (done) return route;
  switch (done.error().code) {
    case ENETUNREACH: return Route();
    case EHOSTUNREACH:  // the kernel's words for such routes
    case EACCES:
    case EINVAL: return Route{.kind = Route::Kind::kForbidden, .device = {}, .source = {}, .gateway = {}};
    default: return done.error();
  }
}

Result<std::optional<Neighbour>> lookUpNeighbour(const SocketAddress& host, int interface) {
  auto socket = netlink::NetlinkSocket::open(NETLINK_ROUTE);
  if (!socket) return socket.error();
  std::array<char, 256> bytes{};
  nlmsghdr* header = mnl_nlmsg_put_header(bytes.data());
  header->nlmsg_type = RTM_GETNEIGH;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  header->nlmsg_seq = socket->nextSequence();
  auto* head = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(ndmsg)));
  head->ndm_family = static_cast<uint8_t>(host.family());
  if (auto sent = socket->send(header, header->nlmsg_len); !sent) return sent.error();
  std::optional<Neighbour> found;
  const AddressBytes address = bytesOf(host);
  const auto done = socket->receiveAll(header->nlmsg_seq, [&](const nlmsghdr& message) {
    if (message.nlmsg_type != RTM_NEWNEIGH) return;
    const auto* entry = static_cast<const ndmsg*>(mnl_nlmsg_get_payload(&message));
    if (entry->ndm_ifindex == interface && isOf(message, address)) found = neighbourOf(message, *entry);
  });
  if (!done) return done.error();
  return found;
}

}  // namespace peerpulse::cli
