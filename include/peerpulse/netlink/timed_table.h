// TimedTable: a table of nftables of our own (`inet NAME`), whose sets of destinations live for kTimeout unless they are
// renewed. So whatever becomes of this process, what the table does is over by then, and nothing must be undone.
//
// set() replaces the elements of all sets in one transaction (those of older kernels cannot be prolonged): no packet between
//   two of its calls sees a set without them, nor a destination that moves from one set to the other in neither.
// An `owned` table belongs to our netlink socket (kernel 5.12): the kernel takes it away in the moment our process ends, and
//   nobody else can change it, `nft flush ruleset` neither. Where the kernel does not know that, somebody may flush or delete
//   it: set() counts its rules each time, and makes it anew.
// Two processes in one namespace have a table each: a table belongs to who holds the claim of its name (TableClaim).
// All of it goes by plain netlink, in tens of microseconds. The library of nft would read in all tables of the host before
//   it changes an element (milliseconds where there are thousands of chains), ends the process if it cannot open a socket,
//   and has a socket of its own, to which an owned table would belong.
//
// Threading: one thread at a time; never a loop's, as the kernel serialises all changes of its rules.
// Bounds: 2 MiB a transaction (NetlinkSocket), which holds 20,000 destinations.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"
#include "peerpulse/base/time.h"
#include "peerpulse/netlink/netlink_socket.h"
#include "peerpulse/netlink/rule.h"
#include "peerpulse/netlink/table_claim.h"

namespace peerpulse::netlink {

/// A chain at the hook of what this host's own sockets send.
struct OutputChain {
  const char* name;
  const char* type;  ///< "filter", "nat"
  int32_t priority;
  std::vector<Rule> rules;
};

/// What the table is made of.
struct Layout {
  bool owned = false;
  std::vector<const char*> sets;  ///< each is two: NAME4 of IPv4, NAME6 of IPv6
  std::vector<OutputChain> chains;
};

class TimedTable {
 public:
  static constexpr Duration kTimeout = milliseconds(1500);
  /// How often set() is to be repeated: two may come late, or fail.
  static constexpr Duration kRenewal = milliseconds(500);

  /// Makes the table by the first of `layouts` that the kernel takes; the error is that of the last. Whatever was there of
  /// its name goes. `base`: of the name (TableClaim::take()). `socket`: of NETLINK_NETFILTER, to which an owned table belongs.
  static Result<TimedTable> make(NetlinkSocket socket, const std::string& base, std::vector<Layout> layouts);
  TimedTable(TimedTable&&) = default;
  TimedTable& operator=(TimedTable&&) = default;

  struct Renewed {
    bool repaired = false;  ///< the table was not as it was made
  };
  /// From now on, for kTimeout, the sets are exactly these: one list for each of Layout::sets, in its order.
  Result<Renewed> set(const std::vector<std::vector<SocketAddress>>& destinations);
  /// At the end. A failure leaves the table behind.
  Result<void> remove();

  const std::string& name() const { return claim_.name(); }

 private:
  TimedTable(NetlinkSocket socket, TableClaim claim) : socket_(std::move(socket)), claim_(std::move(claim)) {}
  Result<void> create();
  Result<bool> whole();
  Result<size_t> countRules(const char* chain);
  Result<void> replaceElements(const std::vector<std::vector<SocketAddress>>& destinations);

  NetlinkSocket socket_;
  TableClaim claim_;
  Layout layout_;
  std::vector<char> buffer_;
};

}  // namespace peerpulse::netlink
