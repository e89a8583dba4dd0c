// Destinations: whose address a client of the transparent listener had connected to.
//
// Pure. Threading: immutable; any thread may ask.
// Bounds: one entry a peer.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "peerpulse/base/address.h"
#include "peerpulse/base/peer_id.h"

namespace peerpulse::transparent {

class Destinations {
 public:
  /// `address`: TCP. One that is there already stays with whom it is. IPv4 written as IPv6 is IPv4.
  void add(const SocketAddress& address, PeerId peer);

  /// Nobody's: none.
  std::optional<PeerId> find(const SocketAddress& address) const;
  bool empty() const { return peers_.empty(); }

 private:
  using Key = std::array<uint8_t, 18>;  // address as IPv6, port
  struct Hash {
    size_t operator()(const Key& key) const;
  };
  static std::optional<Key> keyOf(const SocketAddress& address);

  std::unordered_map<Key, PeerId, Hash> peers_;
};

}  // namespace peerpulse::transparent
