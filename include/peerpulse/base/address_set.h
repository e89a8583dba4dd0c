// AddressSet: what the address of a peer leads to now: one literal, or all that DNS gave for its name. Immutable; a change is
// another set, handed to whoever connects to the peer by a post to his loop.
//
// Threading: immutable; shared by std::shared_ptr.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "peerpulse/base/address.h"

namespace peerpulse {

struct AddressSet {
  /// Different ones, in an order that is always the same for the same addresses. Never empty once shared.
  std::vector<SocketAddress> addresses;

  bool has(const SocketAddress& address) const {
    return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const SocketAddress& address : addresses)
      texts.push_back(address.toString());
    return texts;
  }
};

using AddressSetRef = std::shared_ptr<const AddressSet>;

}  // namespace peerpulse
