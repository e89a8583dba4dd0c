// RedirectTable: new connects to peers come to our listener, or are answered with RST: a table of nftables of our own, of which
// the elements go by themselves (netlink/timed_table.h):
//
//   table inet peerpulse_<node>_transparent { flags owner
//     set redirected4 { type ipv4_addr . inet_service; flags timeout; }        (redirected6, refused4, refused6 the same)
//     chain refuse   { type filter hook output priority -110; socket mark != <ours> <SYN> ip daddr . tcp dport @refused4
//                                                             reject with tcp reset }
//     chain redirect { type nat hook output priority -100;    socket mark != <ours> <SYN> ip daddr . tcp dport @redirected4
//                                                             dnat to <our listener> }
//   }
//
// The kernel remembers what became of a connection's first packet (conntrack) for as long as a chain of NAT is there: take the
// elements away, and connections that were turned stay so; take the table away, and their packets go to the real peer, which
// resets them. So an owned table is what makes `nft flush ruleset` harmless, and remove() is for the end.
// What refuses goes first: a SYN that is sent again belongs to a connection that may have been turned before.
//
// Threading: one thread at a time; never a loop's, as the kernel serialises all changes of its rules.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"
#include "peerpulse/netlink/timed_table.h"

namespace peerpulse::transparent {

class RedirectTable {
 public:
  static constexpr Duration kTimeout = netlink::TimedTable::kTimeout;
  static constexpr Duration kRenewal = netlink::TimedTable::kRenewal;

  /// `listeners`: where connects are turned to, at most one of each family. `mark`: what our own packets carry, and pass.
  /// `socket`: of NETLINK_NETFILTER, older than the listeners. When a process is killed the kernel closes its descriptors
  /// from the youngest on (task_work): the table must be there until the listeners and what they accepted have said their RST.
  static Result<RedirectTable> make(netlink::NetlinkSocket socket, const std::string& node, uint32_t mark,
                                    const std::vector<SocketAddress>& listeners);

  using Renewed = netlink::TimedTable::Renewed;
  /// From now on, for kTimeout, exactly these are turned to us, and exactly those are refused.
  Result<Renewed> set(const std::vector<SocketAddress>& redirected, const std::vector<SocketAddress>& refused) {
    return table_.set({redirected, refused});
  }
  /// At the end: no connection that was turned survives it.
  Result<void> remove() { return table_.remove(); }

  const std::string& name() const { return table_.name(); }

 private:
  explicit RedirectTable(netlink::TimedTable table) : table_(std::move(table)) {}

  netlink::TimedTable table_;
};

}  // namespace peerpulse::transparent
