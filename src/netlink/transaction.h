// Transaction: messages to nftables of which the kernel carries out all or none, at one moment for every packet.
//
// Threading: none. Ownership: refers to the buffer it is given, which must outlive it.
#pragma once

#include <cstdint>
#include <libmnl/libmnl.h>
#include <string>
#include <vector>

#include "peerpulse/base/result.h"
#include "peerpulse/netlink/netlink_socket.h"

namespace peerpulse::netlink {

class Transaction {
 public:
  /// `bytes`: room for all messages; the buffer does not grow.
  Transaction(std::vector<char>& buffer, size_t bytes);

  /// A message of NFT_MSG_*; `what` it does, for errors: a literal.
  nlmsghdr* begin(uint16_t type, uint16_t flags, const char* what);
  /// Without it the next message takes its place.
  void end(const nlmsghdr* message);

  /// Ends the transaction and has it carried out. The error says what could not be done with `table`.
  Result<void> commit(NetlinkSocket& socket, const std::string& table);

 private:
  void control(uint16_t type);
  nlmsghdr* header(uint16_t type, uint16_t flags, uint8_t family, uint16_t resource);

  std::vector<char>& buffer_;
  size_t used_ = 0;
  std::vector<const char*> what_;  // by sequence number - 1
};

}  // namespace peerpulse::netlink
