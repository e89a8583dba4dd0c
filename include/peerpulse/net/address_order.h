// AddressOrder: in which order the addresses of a peer are tried, and that it begins with the one that answered last (RFC 8305
// 4 and 9.1): as long as that lives, every connect is as quick as to a peer that has no other.
//
// Pure. Threading: none; one for each loop that connects.
#pragma once

#include <span>
#include <vector>

#include "peerpulse/base/address_set.h"

namespace peerpulse::net {

class AddressOrder {
 public:
  AddressOrder() = default;
  explicit AddressOrder(const SocketAddress& only) : order_{only} {}

  /// Other addresses from now on. True if one of before has gone.
  bool set(const AddressSet& addresses);
  bool empty() const { return order_.empty(); }
  size_t size() const { return order_.size(); }
  bool has(const SocketAddress& address) const;
  /// The family changes from each to the next, as long as there are both.
  std::span<const SocketAddress> inOrder() const { return order_; }
  /// Requires that there is one.
  const SocketAddress& first() const { return order_.front(); }
  /// The next one goes first: the first has not answered in time.
  void rotate();
  /// `address` has answered; one that is not there is ignored.
  void answered(const SocketAddress& address);

 private:
  void arrange(const SocketAddress& first);

  std::vector<SocketAddress> order_;
};

}  // namespace peerpulse::net
