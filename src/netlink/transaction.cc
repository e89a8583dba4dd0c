#include "transaction.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "peerpulse/base/assert.h"

namespace peerpulse::netlink {

Transaction::Transaction(std::vector<char>& buffer, size_t bytes) : buffer_(buffer) {
  buffer_.assign(bytes, 0);
  control(NFNL_MSG_BATCH_BEGIN);
}

nlmsghdr* Transaction::begin(uint16_t type, uint16_t flags, const char* what) {
  nlmsghdr* message = header(static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type), flags, NFPROTO_INET, 0);
  what_.back() = what;
  return message;
}

void Transaction::end(const nlmsghdr* message) {
  used_ += alignedSize(message->nlmsg_len);
  PP_ASSERT(used_ <= buffer_.size());
}

void Transaction::control(uint16_t type) { end(header(type, 0, NFPROTO_UNSPEC, htons(NFNL_SUBSYS_NFTABLES))); }

nlmsghdr* Transaction::header(uint16_t type, uint16_t flags, uint8_t family, uint16_t resource) {
  what_.push_back("transaction");
  nlmsghdr* message = mnl_nlmsg_put_header(&buffer_[used_]);
  message->nlmsg_type = type;
  message->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  message->nlmsg_seq = static_cast<uint32_t>(what_.size());
  auto* general = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  general->nfgen_family = family;
  general->version = NFNETLINK_V0;
  general->res_id = resource;
  return message;
}

// The kernel complains of every message that failed, in their order: the first tells why.
Result<void> Transaction::commit(NetlinkSocket& socket, const std::string& table) {
  control(NFNL_MSG_BATCH_END);
  if (auto sent = socket.send(buffer_.data(), used_); !sent) return sent;
  int failure = 0;
  const char* failed = "transaction";
  socket.takeErrors([&](uint32_t sequence, int error) {
    if (failure != 0 || error == 0) return;
    failure = error;
    if (sequence >= 1 && sequence <= what_.size()) failed = what_[sequence - 1];
  });
  if (failure == 0) return {};
  return systemError("nftables: " + std::string(failed) + " of table " + table, failure);
}

}  // namespace peerpulse::netlink
