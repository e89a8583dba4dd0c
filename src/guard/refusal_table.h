// RefusalTable: new connects to dead peers are answered by this host's own kernel, at once, with the RST that a host without
// power cannot send. A table of nftables of our own, of which the elements go by themselves (netlink/timed_table.h):
//
//   table inet peerpulse_<node> {
//     set refused4 { type ipv4_addr . inet_service; flags timeout; }      (refused6 the same)
//     chain output { type filter hook output ...; socket mark != <ours> <SYN> ip daddr . tcp dport @refused4
//                                              reject with tcp reset }
//   }
//
// Only SYNs of ours to a peer are answered. One of its own SYNs is a sign of its life and passes; the sockets that it may
//   still have here are the destroyer's.
// Not owned: whoever manages this host's rules may take it away, and is told by nobody; refuse() makes it anew.
//
// Threading: one thread at a time; never a loop's, as the kernel serialises all changes of its rules.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"
#include "peerpulse/base/time.h"
#include "peerpulse/netlink/timed_table.h"

namespace peerpulse::guard {

class RefusalTable {
 public:
  static constexpr Duration kTimeout = netlink::TimedTable::kTimeout;
  /// How often refuse() is to be repeated: two may come late, or fail.
  static constexpr Duration kRenewal = netlink::TimedTable::kRenewal;

  /// Makes the table. `mark`: what our own packets carry, and pass.
  static Result<RefusalTable> make(const std::string& node, uint32_t mark);

  using Renewed = netlink::TimedTable::Renewed;
  /// From now on, for kTimeout, exactly these are refused.
  Result<Renewed> refuse(const std::vector<SocketAddress>& destinations) { return table_.set({destinations}); }
  /// At the end. A failure leaves an empty table behind.
  Result<void> remove() { return table_.remove(); }

  const std::string& name() const { return table_.name(); }

 private:
  explicit RefusalTable(netlink::TimedTable table) : table_(std::move(table)) {}

  netlink::TimedTable table_;
};

}  // namespace peerpulse::guard
