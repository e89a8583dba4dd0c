#include "peerpulse/netlink/timed_table.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <numeric>
#include <sys/socket.h>

#include "peerpulse/base/assert.h"
#include "transaction.h"

namespace peerpulse::netlink {

namespace {

/// An attribute's length has 16 bits; an element takes less than 64 bytes.
constexpr size_t kElementsPerMessage = 512;
constexpr size_t kElementBytes = 64;
/// A message without its elements or rule, and without the names that it says.
constexpr size_t kMessageBytes = 256;

// Of nft, which shows the sets by them: address . port.
constexpr uint32_t kAddress4Type = 7;
constexpr uint32_t kAddress6Type = 8;
constexpr uint32_t kPortType = 13;
constexpr uint32_t kTypeBits = 6;

struct Family {
  int family;
  const char* suffix;
  uint32_t type;
  uint32_t keyBytes;  // each part filled up to four
};
constexpr std::array<Family, 2> kFamilies = {Family{AF_INET, "4", kAddress4Type << kTypeBits | kPortType, 8},
                                             Family{AF_INET6, "6", kAddress6Type << kTypeBits | kPortType, 20}};

/// Address and port as the kernel joins them.
void keyOf(const SocketAddress& destination, std::array<uint8_t, 20>& key) {
  key.fill(0);
  if (destination.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(destination.get());
    std::memcpy(key.data(), &v4->sin_addr, 4);
    std::memcpy(&key[4], &v4->sin_port, 2);
    return;
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(destination.get());
  std::memcpy(key.data(), &v6->sin6_addr, 16);
  std::memcpy(&key[16], &v6->sin6_port, 2);
}

void putNumber(nlmsghdr* message, uint16_t type, uint32_t value) { mnl_attr_put_u32(message, type, htonl(value)); }

void putElement(nlmsghdr* message, const SocketAddress& destination, size_t keyBytes) {
  std::array<uint8_t, 20> key;
  keyOf(destination, key);
  nlattr* element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
  nlattr* keyNest = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
  mnl_attr_put(message, NFTA_DATA_VALUE, keyBytes, key.data());
  mnl_attr_nest_end(message, keyNest);
  const auto timeout = std::chrono::duration_cast<milliseconds>(TimedTable::kTimeout).count();
  mnl_attr_put_u64(message, NFTA_SET_ELEM_TIMEOUT, htobe64(static_cast<uint64_t>(timeout)));
  mnl_attr_nest_end(message, element);
}

void putElements(Transaction& transaction, const std::string& table, const std::string& set, const Family& family,
                 const std::vector<SocketAddress>& destinations) {
  const auto begin = [&](uint16_t type, uint16_t flags, const char* what) {
    nlmsghdr* message = transaction.begin(type, flags, what);
    mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table.c_str());
    mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set.c_str());
    return message;
  };
  transaction.end(begin(NFT_MSG_DELSETELEM, 0, "flush a set"));
  for (size_t next = 0; next < destinations.size();) {
    nlmsghdr* add = begin(NFT_MSG_NEWSETELEM, NLM_F_CREATE, "fill a set");
    nlattr* list = mnl_attr_nest_start(add, NFTA_SET_ELEM_LIST_ELEMENTS);
    size_t count = 0;
    for (; next < destinations.size() && count < kElementsPerMessage; ++next) {
      if (destinations[next].family() != family.family) continue;
      putElement(add, destinations[next], family.keyBytes);
      ++count;
    }
    mnl_attr_nest_end(add, list);
    if (count > 0) transaction.end(add);
  }
}

void putTable(Transaction& transaction, const std::string& table, uint16_t type, uint16_t flags, bool owned,
              const char* what) {
  nlmsghdr* message = transaction.begin(type, flags, what);
  mnl_attr_put_strz(message, NFTA_TABLE_NAME, table.c_str());
  if (owned) putNumber(message, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
  transaction.end(message);
}

void putSet(Transaction& transaction, const std::string& table, const std::string& set, const Family& family,
            uint32_t id) {
  nlmsghdr* message = transaction.begin(NFT_MSG_NEWSET, NLM_F_CREATE, "make a set");
  mnl_attr_put_strz(message, NFTA_SET_TABLE, table.c_str());
  mnl_attr_put_strz(message, NFTA_SET_NAME, set.c_str());
  putNumber(message, NFTA_SET_FLAGS, NFT_SET_TIMEOUT);
  putNumber(message, NFTA_SET_KEY_TYPE, family.type);
  putNumber(message, NFTA_SET_KEY_LEN, family.keyBytes);
  putNumber(message, NFTA_SET_ID, id);
  transaction.end(message);
}

void putChain(Transaction& transaction, const std::string& table, const OutputChain& chain) {
  nlmsghdr* message = transaction.begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE, chain.name);
  mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, table.c_str());
  mnl_attr_put_strz(message, NFTA_CHAIN_NAME, chain.name);
  nlattr* hook = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
  putNumber(message, NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_OUT);
  putNumber(message, NFTA_HOOK_PRIORITY, static_cast<uint32_t>(chain.priority));
  mnl_attr_nest_end(message, hook);
  putNumber(message, NFTA_CHAIN_POLICY, NF_ACCEPT);
  mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, chain.type);
  transaction.end(message);
}

void putRule(Transaction& transaction, const std::string& table, const char* chain, const Rule& rule) {
  nlmsghdr* message = transaction.begin(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, "make a rule");
  mnl_attr_put_strz(message, NFTA_RULE_TABLE, table.c_str());
  mnl_attr_put_strz(message, NFTA_RULE_CHAIN, chain);
  rule.put(message);
  transaction.end(message);
}

}  // namespace

Result<TimedTable> TimedTable::make(NetlinkSocket socket, const std::string& base, std::vector<Layout> layouts) {
  PP_ASSERT(!layouts.empty());
  auto claim = TableClaim::take(base);
  if (!claim) return claim.error();
  TimedTable table(std::move(socket), std::move(*claim));
  Result<void> created;
  for (Layout& layout : layouts) {
    table.layout_ = std::move(layout);
    created = table.create();
    if (created) return table;
    if (created.error().code == EPERM) break;  // as would be the others
  }
  return created.error();
}

// Added, deleted and added again: whatever was there of that name.
Result<void> TimedTable::create() {
  size_t rules = 0;
  for (const OutputChain& chain : layout_.chains)
    rules += chain.rules.size();
  const size_t messages = 5 + 2 * layout_.sets.size() + layout_.chains.size() + rules;
  Transaction transaction(buffer_, messages * (kMessageBytes + name().size()) + rules * Rule::kBytes);
  putTable(transaction, name(), NFT_MSG_NEWTABLE, NLM_F_CREATE, false, "find the place");
  putTable(transaction, name(), NFT_MSG_DELTABLE, 0, false, "clear the place");
  putTable(transaction, name(), NFT_MSG_NEWTABLE, NLM_F_CREATE, layout_.owned, "make the place");
  uint32_t id = 0;
  for (const char* set : layout_.sets) {
    for (const Family& family : kFamilies)
      putSet(transaction, name(), std::string(set) + family.suffix, family, ++id);
  }
  for (const OutputChain& chain : layout_.chains) {
    putChain(transaction, name(), chain);
    for (const Rule& rule : chain.rules)
      putRule(transaction, name(), chain.name, rule);
  }
  return transaction.commit(socket_, name());
}

Result<TimedTable::Renewed> TimedTable::set(const std::vector<std::vector<SocketAddress>>& destinations) {
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

Result<bool> TimedTable::whole() {
  for (const OutputChain& chain : layout_.chains) {
    const auto rules = countRules(chain.name);
    if (!rules) return rules.error();
    if (*rules != chain.rules.size()) return false;
  }
  return true;
}

Result<size_t> TimedTable::countRules(const char* chain) {
  buffer_.assign(kMessageBytes + name().size(), 0);
  nlmsghdr* request = mnl_nlmsg_put_header(buffer_.data());
  request->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request->nlmsg_seq = socket_.nextSequence();
  static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg)))->nfgen_family = NFPROTO_INET;
  mnl_attr_put_strz(request, NFTA_RULE_TABLE, name().c_str());
  mnl_attr_put_strz(request, NFTA_RULE_CHAIN, chain);
  if (auto sent = socket_.send(request, request->nlmsg_len); !sent) return sent.error();
  size_t rules = 0;
  const auto read = socket_.receiveAll(request->nlmsg_seq, [&](const nlmsghdr& message) {
    if (message.nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE)) ++rules;
  });
  if (!read && read.error().code != ENOENT) return read.error();
  return rules;
}

Result<void> TimedTable::replaceElements(const std::vector<std::vector<SocketAddress>>& destinations) {
  PP_ASSERT(destinations.size() == layout_.sets.size());
  size_t count = 0;
  size_t messages = 2;
  for (const auto& of : destinations) {
    count += of.size();
    messages += kFamilies.size() * (2 + of.size() / kElementsPerMessage + 1);
  }
  Transaction transaction(buffer_, messages * (kMessageBytes + name().size()) + count * kElementBytes +
                                       kElementsPerMessage * kElementBytes);
  for (size_t i = 0; i < destinations.size(); ++i) {
    for (const Family& family : kFamilies)
      putElements(transaction, name(), std::string(layout_.sets[i]) + family.suffix, family, destinations[i]);
  }
  return transaction.commit(socket_, name());
}

Result<void> TimedTable::remove() {
  Transaction transaction(buffer_, 4 * (kMessageBytes + name().size()));
  putTable(transaction, name(), NFT_MSG_DELTABLE, 0, false, "delete");
  return transaction.commit(socket_, name());
}

}  // namespace peerpulse::netlink
