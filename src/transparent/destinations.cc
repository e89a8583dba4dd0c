#include "peerpulse/transparent/destinations.h"

#include <cstring>
#include <netinet/in.h>
#include <string_view>

#include "peerpulse/base/assert.h"
#include "peerpulse/net/original_destination.h"

namespace peerpulse::transparent {

size_t Destinations::Hash::operator()(const Key& key) const {
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(key.data()), key.size()});
}

std::optional<Destinations::Key> Destinations::keyOf(const SocketAddress& written) {
  const SocketAddress address = net::withoutMapping(written);
  Key key{};
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address.get());
    key[10] = key[11] = 0xff;
    std::memcpy(&key[12], &v4->sin_addr, 4);
    std::memcpy(&key[16], &v4->sin_port, 2);
  } else if (address.family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.get());
    std::memcpy(key.data(), &v6->sin6_addr, 16);
    std::memcpy(&key[16], &v6->sin6_port, 2);
  } else {
    return std::nullopt;
  }
  return key;
}

void Destinations::add(const SocketAddress& address, PeerId peer) {
  const auto key = keyOf(address);
  PP_ASSERT(key.has_value());
  peers_.try_emplace(*key, peer);
}

std::optional<PeerId> Destinations::find(const SocketAddress& address) const {
  const auto key = keyOf(address);
  if (!key) return std::nullopt;
  const auto found = peers_.find(*key);
  return found == peers_.end() ? std::nullopt : std::optional<PeerId>(found->second);
}

}  // namespace peerpulse::transparent
