#include "peerpulse/net/address_order.h"

#include <algorithm>
#include <utility>

namespace peerpulse::net {

bool AddressOrder::has(const SocketAddress& address) const {
  return std::find(order_.begin(), order_.end(), address) != order_.end();
}

bool AddressOrder::set(const AddressSet& addresses) {
  const std::vector<SocketAddress> before = std::exchange(order_, addresses.addresses);
  if (order_.empty()) return !before.empty();
  const bool kept = !before.empty() && has(before.front());
  // Nothing is known of any: IPv6 first (RFC 6724 2.1).
  const auto six = std::find_if(order_.begin(), order_.end(), [](const auto& a) { return a.family() == AF_INET6; });
  const SocketAddress first = kept ? before.front() : (six != order_.end() ? *six : order_.front());
  arrange(first);
  return std::any_of(before.begin(), before.end(), [this](const auto& address) { return !has(address); });
}

void AddressOrder::answered(const SocketAddress& address) {
  if (order_.size() > 1 && !(order_.front() == address) && has(address)) arrange(address);
}

void AddressOrder::rotate() {
  if (order_.size() > 1) std::rotate(order_.begin(), order_.begin() + 1, order_.end());
}

void AddressOrder::arrange(const SocketAddress& first) {
  std::vector<SocketAddress> same, other;
  for (const SocketAddress& address : order_) {
    if (!(address == first)) (address.family() == first.family() ? same : other).push_back(address);
  }
  std::vector<SocketAddress> order{first};
  for (size_t i = 0; i < std::max(same.size(), other.size()); ++i) {
    if (i < other.size()) order.push_back(other[i]);
    if (i < same.size()) order.push_back(same[i]);
  }
  order_ = std::move(order);
}

}  // namespace peerpulse::net
