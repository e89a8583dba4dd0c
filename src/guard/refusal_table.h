// RefusalTable: new connects to dead peers are answered by this host's own kernel, at once, with the RST that a host without
// power cannot send. A table of nftables of our own:
//
//   table inet peerpulse_<node> {
//     set refused4 { type ipv4_addr . inet_service; flags timeout; }      (refused6 the same)
//     chain output { type filter hook output ...; socket mark != <ours> <SYN> ip daddr . tcp dport @refused4
//                                              reject with tcp reset }
//   }
//
// Elements live for kTimeout, so that whatever becomes of this process, the network is back by then: nothing must be undone.
//   refuse() replaces all of them in one transaction (elements of older kernels cannot be prolonged), and connects between
//   two of its calls never see a set without them.
// Only SYNs of ours to a peer are answered. One of its own SYNs is a sign of its life and passes; the sockets that it may
//   still have here are the destroyer's.
// Somebody else may flush or delete the table. refuse() counts its rules each time, and makes it anew.
// Two processes in one namespace have a table each: a table belongs to who holds the abstract unix socket of its name
//   (TableClaim), and the kernel gives that free when a process ends, however it does.
// The table is made by libnftables, in words; its elements go by plain netlink. libnftables would read in all tables of the
//   host before it changes an element (milliseconds where there are thousands of chains), and ends the process if it
//   cannot open a socket.
//
// Threading: one thread at a time; never a loop's, as the kernel serialises all changes of its rules.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"
#include "peerpulse/base/time.h"
#include "peerpulse/guard/netlink_socket.h"
#include "table_claim.h"

namespace peerpulse::guard {

class RefusalTable {
 public:
  static constexpr Duration kTimeout = milliseconds(1500);
  /// How often refuse() is to be repeated: two may come late, or fail.
  static constexpr Duration kRenewal = milliseconds(500);

  /// Makes the table. `mark`: what our own packets carry, and pass.
  static Result<RefusalTable> make(const std::string& node, uint32_t mark);
  RefusalTable(RefusalTable&&) = default;
  RefusalTable& operator=(RefusalTable&&) = default;

  struct Renewed {
    bool repaired = false;  ///< the table was not as it was made
  };
  /// From now on, for kTimeout, exactly these are refused.
  Result<Renewed> refuse(const std::vector<SocketAddress>& destinations);
  /// At the end. A failure leaves an empty table behind.
  Result<void> remove();

  const std::string& name() const { return claim_.name(); }

 private:
  RefusalTable(NetlinkSocket socket, TableClaim claim, uint32_t mark)
      : socket_(std::move(socket)), claim_(std::move(claim)), mark_(mark) {}
  Result<void> create();
  Result<void> create(const std::string& markOf);
  Result<bool> whole();
  Result<void> replaceElements(const std::vector<SocketAddress>& destinations);

  NetlinkSocket socket_;
  TableClaim claim_;
  uint32_t mark_;
  std::vector<char> batch_;
};

}  // namespace peerpulse::guard
