#include "echo_sockets.h"

#include <utility>

namespace peerpulse::probe {

EchoSockets::EchoSockets(event::Dispatcher& dispatcher, std::vector<SocketAddress> addresses, bool either,
                         uint64_t token, uint32_t mark, OnAnswer onAnswer)
    : addresses_(std::move(addresses)), onAnswer_(std::move(onAnswer)) {
  const auto answered = [this](uint32_t slot, uint32_t sequence, const SocketAddress& from) {
    if (slot < addresses_.size() && IcmpEcho::sameHost(addresses_[slot], from)) onAnswer_(slot, sequence);
  };
  for (const int family : {AF_INET, AF_INET6}) {
    bool wanted = false;
    for (const SocketAddress& address : addresses_)
      wanted = wanted || address.family() == family;
    if (!wanted && !either) continue;
    auto socket = IcmpEcho::open(dispatcher, family, token, mark, answered);
    if (socket) {
      sockets_[indexOf(family)] = std::move(*socket);
    } else if (wanted || family == AF_INET) {  // a host without IPv6 lacks nothing
      status_ = socket.error();
    }
  }
}

IcmpEcho* EchoSockets::of(uint32_t slot) const {
  const int family = addresses_[slot].family();
  if (family != AF_INET && family != AF_INET6) return nullptr;
  return sockets_[indexOf(family)].get();
}

}  // namespace peerpulse::probe
