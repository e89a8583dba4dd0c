#include "refusal_table.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <memory>
#include <netinet/in.h>
#include <nftables/libnftables.h>
#include <sys/socket.h>

namespace peerpulse::guard {

namespace {

constexpr const char* kChain = "output";
constexpr const char* kSet4 = "refused4";
constexpr const char* kSet6 = "refused6";
constexpr size_t kRules = 2;
/// An attribute's length has 16 bits; an element takes less than 64 bytes.
constexpr size_t kElementsPerMessage = 512;
constexpr size_t kElementBytes = 64;
constexpr size_t kMessageBytes = 256;

/// Runs commands of nft, all or none of them.
Result<void> runNft(const std::string& commands) {
  const std::unique_ptr<nft_ctx, decltype(&::nft_ctx_free)> nft(nft_ctx_new(NFT_CTX_DEFAULT), &::nft_ctx_free);
  if (nft == nullptr) return Error{"nftables: out of memory", ENOMEM};
  if (nft_ctx_buffer_error(nft.get()) != 0 || nft_ctx_buffer_output(nft.get()) != 0) {
    return Error{"nftables: out of memory", ENOMEM};
  }
  errno = 0;
  if (nft_run_cmd_from_buffer(nft.get(), commands.c_str()) == 0) return {};
  const int code = errno;
  std::string said = nft_ctx_get_error_buffer(nft.get());
  said.resize(std::min(said.size(), said.find('\n')));
  return Error{"nftables: " + said, code};
}

/// A transaction of nfnetlink: messages between a begin and an end.
class Batch {
 public:
  Batch(std::vector<char>& buffer, size_t bytes) : buffer_(buffer) {
    buffer_.assign(bytes, 0);
    control(NFNL_MSG_BATCH_BEGIN);
  }

  nlmsghdr* begin(uint16_t type, uint16_t flags) {
    return header(static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type), flags, NFPROTO_INET, 0);
  }
  void end(const nlmsghdr* message) { used_ += alignedSize(message->nlmsg_len); }
  void finish() { control(NFNL_MSG_BATCH_END); }
  size_t size() const { return used_; }

 private:
  void control(uint16_t type) { end(header(type, 0, NFPROTO_UNSPEC, htons(NFNL_SUBSYS_NFTABLES))); }
  nlmsghdr* header(uint16_t type, uint16_t flags, uint8_t family, uint16_t resource) {
    nlmsghdr* message = mnl_nlmsg_put_header(&buffer_[used_]);
    message->nlmsg_type = type;
    message->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    message->nlmsg_seq = ++sequence_;
    auto* general = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
    general->nfgen_family = family;
    general->version = NFNETLINK_V0;
    general->res_id = resource;
    return message;
  }

  std::vector<char>& buffer_;
  size_t used_ = 0;
  uint32_t sequence_ = 0;
};

/// Address and port as the kernel joins them: each part filled up to four bytes.
size_t keyOf(const SocketAddress& destination, std::array<uint8_t, 20>& key) {
  key.fill(0);
  if (destination.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(destination.get());
    std::memcpy(key.data(), &v4->sin_addr, 4);
    std::memcpy(&key[4], &v4->sin_port, 2);
    return 8;
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(destination.get());
  std::memcpy(key.data(), &v6->sin6_addr, 16);
  std::memcpy(&key[16], &v6->sin6_port, 2);
  return 20;
}

void putElement(nlmsghdr* message, const SocketAddress& destination) {
  std::array<uint8_t, 20> key;
  const size_t length = keyOf(destination, key);
  nlattr* element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
  nlattr* keyNest = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
  mnl_attr_put(message, NFTA_DATA_VALUE, length, key.data());
  mnl_attr_nest_end(message, keyNest);
  const auto timeout = std::chrono::duration_cast<milliseconds>(RefusalTable::kTimeout).count();
  mnl_attr_put_u64(message, NFTA_SET_ELEM_TIMEOUT, htobe64(static_cast<uint64_t>(timeout)));
  mnl_attr_nest_end(message, element);
}

void putElements(Batch& batch, const std::string& table, const char* set, int family,
                 const std::vector<SocketAddress>& destinations) {
  nlmsghdr* flush = batch.begin(NFT_MSG_DELSETELEM, 0);
  mnl_attr_put_strz(flush, NFTA_SET_ELEM_LIST_TABLE, table.c_str());
  mnl_attr_put_strz(flush, NFTA_SET_ELEM_LIST_SET, set);
  batch.end(flush);
  for (size_t next = 0; next < destinations.size();) {
    nlmsghdr* add = batch.begin(NFT_MSG_NEWSETELEM, NLM_F_CREATE);
    mnl_attr_put_strz(add, NFTA_SET_ELEM_LIST_TABLE, table.c_str());
    mnl_attr_put_strz(add, NFTA_SET_ELEM_LIST_SET, set);
    nlattr* list = mnl_attr_nest_start(add, NFTA_SET_ELEM_LIST_ELEMENTS);
    size_t count = 0;
    for (; next < destinations.size() && count < kElementsPerMessage; ++next) {
      if (destinations[next].family() != family) continue;
      putElement(add, destinations[next]);
      ++count;
    }
    mnl_attr_nest_end(add, list);
    if (count > 0) batch.end(add);  // otherwise the next message overwrites it
  }
}

}  // namespace

Result<RefusalTable> RefusalTable::make(const std::string& node, uint32_t mark) {
  // First of all, because libnftables does not survive a failure of its own.
  auto socket = NetlinkSocket::open(NETLINK_NETFILTER);
  if (!socket) return socket.error();
  auto claim = TableClaim::take("peerpulse_" + node);
  if (!claim) return claim.error();
  RefusalTable table(std::move(*socket), std::move(*claim), mark);
  if (auto created = table.create(); !created) return created.error();
  return table;
}

// The socket's own mark, where the kernel can tell it: that of its packets may be changed on their way by the host's own rules
// (policy routing), and then we would refuse our own probes, or nobody.
Result<void> RefusalTable::create() {
  auto created = create("socket mark");
  return created ? created : create("meta mark");
}

Result<void> RefusalTable::create(const std::string& markOf) {
  const std::string table = "inet " + name();
  char mark[16];
  (void)std::snprintf(mark, sizeof mark, "0x%x", mark_);
  const std::string ruleBegin =
      "add rule " + table + " output " + markOf + " != " + mark + " tcp flags & (syn | ack) == syn ";
  // Added, deleted and added again: whatever was there of that name.
  return runNft("add table " + table + "\ndelete table " + table + "\nadd table " + table +  //
                "\nadd set " + table +
                " refused4 { type ipv4_addr . inet_service; flags timeout; }"  //
                "\nadd set " +
                table +
                " refused6 { type ipv6_addr . inet_service; flags timeout; }"  //
                "\nadd chain " +
                table + " output { type filter hook output priority -10; policy accept; }\n" +  //
                ruleBegin + "ip daddr . tcp dport @refused4 reject with tcp reset\n" +          //
                ruleBegin + "ip6 daddr . tcp dport @refused6 reject with tcp reset\n");
}

Result<RefusalTable::Renewed> RefusalTable::refuse(const std::vector<SocketAddress>& destinations) {
  const auto intact = whole();
  if (!intact) return intact.error();
  Renewed renewed{!*intact};
  if (renewed.repaired) {
    if (auto created = create(); !created) return created.error();
  }
  auto replaced = replaceElements(destinations);
  if (!replaced && replaced.error().code == ENOENT && !renewed.repaired) {  // gone between the two
    renewed.repaired = true;
    if (auto created = create(); !created) return created.error();
    replaced = replaceElements(destinations);
  }
  if (!replaced) return replaced.error();
  return renewed;
}

Result<bool> RefusalTable::whole() {
  batch_.assign(kMessageBytes + name().size(), 0);
  nlmsghdr* request = mnl_nlmsg_put_header(batch_.data());
  request->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request->nlmsg_seq = socket_.nextSequence();
  static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg)))->nfgen_family = NFPROTO_INET;
  mnl_attr_put_strz(request, NFTA_RULE_TABLE, name().c_str());
  mnl_attr_put_strz(request, NFTA_RULE_CHAIN, kChain);
  if (auto sent = socket_.send(request, request->nlmsg_len); !sent) return sent.error();
  size_t rules = 0;
  const auto read = socket_.receiveAll(request->nlmsg_seq, [&](const nlmsghdr& message) {
    if (message.nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE)) ++rules;
  });
  if (!read && read.error().code != ENOENT) return read.error();
  return rules == kRules;
}

Result<void> RefusalTable::replaceElements(const std::vector<SocketAddress>& destinations) {
  const size_t messages = 6 + 2 * (destinations.size() / kElementsPerMessage + 1);
  Batch batch(batch_, messages * (kMessageBytes + name().size()) + destinations.size() * kElementBytes);
  putElements(batch, name(), kSet4, AF_INET, destinations);
  putElements(batch, name(), kSet6, AF_INET6, destinations);
  batch.finish();
  if (auto sent = socket_.send(batch_.data(), batch.size()); !sent) return sent;
  int failure = 0;
  socket_.takeErrors([&](uint32_t, int error) {
    if (failure == 0) failure = error;
  });
  if (failure != 0) return systemError("set of table " + name(), failure);
  return {};
}

Result<void> RefusalTable::remove() { return runNft("delete table inet " + name() + "\n"); }

}  // namespace peerpulse::guard
