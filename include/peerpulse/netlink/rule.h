// Rule: one rule of nftables for the SYNs of this host's own sockets, put together from what the kernel calls expressions.
// Each function adds one condition, or what is done if all of them hold; the registers that the kernel needs in between are
// its own business.
//
//   Rule().notMarked(MarkOf::kSocket, 0x70).opensConnection().to(AF_INET, "refused4").reset()
//
// In words of nft: socket mark != 0x70 tcp flags & (syn | ack) == syn ip daddr . tcp dport @refused4 reject with tcp reset
//
// Only SYNs: a table of NAT begins to see connections in the midst of their lives when it is made, and would turn those, too.
//
// Threading: a value.
#pragma once

#include <cstdint>
#include <vector>

#include "peerpulse/base/address.h"

struct nlmsghdr;

namespace peerpulse::netlink {

/// Whose mark is looked at. That of a packet may be changed on its way by the host's own rules (policy routing); that of the
/// socket, where the kernel can tell it, not.
enum class MarkOf : uint8_t { kSocket, kPacket };

class Rule {
 public:
  Rule& notMarked(MarkOf of, uint32_t mark);
  Rule& opensConnection();
  /// Its destination, address and port, is in this set of the same table. `family`: AF_INET, AF_INET6.
  Rule& to(int family, const char* set);
  /// It is answered with RST.
  Rule& reset();
  /// It goes to `target` instead, and all that follows on the connection. For a chain of type nat. `target`: TCP.
  Rule& turnTo(const SocketAddress& target);

  /// Appends the expressions to a message NFT_MSG_NEWRULE.
  void put(nlmsghdr* message) const;

  /// What put() takes at most.
  static constexpr size_t kBytes = 1024;

 private:
  struct Expression {
    const char* name;
    std::vector<char> attributes;
  };
  Expression& add(const char* name);
  void load(uint32_t base, uint32_t offset, uint32_t length, uint32_t to);
  void compare(uint32_t op, const void* value, size_t length);
  void immediate(uint32_t to, const void* value, size_t length);

  std::vector<Expression> expressions_;
};

}  // namespace peerpulse::netlink
