#include "peerpulse/netlink/rule.h"

#include <arpa/inet.h>
#include <cstring>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>

#include "peerpulse/base/assert.h"
#include "peerpulse/netlink/netlink_socket.h"

namespace peerpulse::netlink {

namespace {

// A register of 16 bytes is four of 4.
constexpr uint32_t kValue = NFT_REG_1;
constexpr uint32_t kAfterIpv4 = NFT_REG32_01;
constexpr uint32_t kAfterIpv6 = NFT_REG_2;
constexpr uint32_t kPort = NFT_REG_3;

// Of the headers (RFC 791, RFC 8200, RFC 9293).
constexpr uint32_t kDestination4 = 16;
constexpr uint32_t kDestination6 = 24;
constexpr uint32_t kTcpDestinationPort = 2;
constexpr uint32_t kTcpFlags = 13;
constexpr uint8_t kSyn = 0x02;
constexpr uint8_t kSynOrAck = 0x12;

/// The attributes of one expression, as libmnl writes them: behind a header that is left out afterwards.
class Attributes {
 public:
  explicit Attributes(std::vector<char>& to)
      : to_(to), buffer_(kRoom), message_(mnl_nlmsg_put_header(buffer_.data())) {}
  ~Attributes() { to_.assign(buffer_.data() + alignedSize(sizeof(nlmsghdr)), buffer_.data() + message_->nlmsg_len); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  Attributes& number(uint16_t type, uint32_t value) {
    mnl_attr_put_u32(message_, type, htonl(value));
    return *this;
  }
  Attributes& text(uint16_t type, const char* value) {
    mnl_attr_put_strz(message_, type, value);
    return *this;
  }
  Attributes& data(uint16_t type, const void* value, size_t length) {
    nlattr* nest = mnl_attr_nest_start(message_, type);
    mnl_attr_put(message_, NFTA_DATA_VALUE, length, value);
    mnl_attr_nest_end(message_, nest);
    return *this;
  }

 private:
  static constexpr size_t kRoom = 256;
  std::vector<char>& to_;
  std::vector<char> buffer_;
  nlmsghdr* message_;
};

}  // namespace

Rule::Expression& Rule::add(const char* name) { return expressions_.emplace_back(Expression{name, {}}); }

void Rule::load(uint32_t base, uint32_t offset, uint32_t length, uint32_t to) {
  Attributes(add("payload").attributes)
      .number(NFTA_PAYLOAD_DREG, to)
      .number(NFTA_PAYLOAD_BASE, base)
      .number(NFTA_PAYLOAD_OFFSET, offset)
      .number(NFTA_PAYLOAD_LEN, length);
}

void Rule::compare(uint32_t op, const void* value, size_t length) {
  Attributes(add("cmp").attributes)
      .number(NFTA_CMP_SREG, kValue)
      .number(NFTA_CMP_OP, op)
      .data(NFTA_CMP_DATA, value, length);
}

void Rule::immediate(uint32_t to, const void* value, size_t length) {
  Attributes(add("immediate").attributes).number(NFTA_IMMEDIATE_DREG, to).data(NFTA_IMMEDIATE_DATA, value, length);
}

Rule& Rule::notMarked(MarkOf of, uint32_t mark) {
  if (of == MarkOf::kSocket) {
    Attributes(add("socket").attributes).number(NFTA_SOCKET_KEY, NFT_SOCKET_MARK).number(NFTA_SOCKET_DREG, kValue);
  } else {
    Attributes(add("meta").attributes).number(NFTA_META_KEY, NFT_META_MARK).number(NFTA_META_DREG, kValue);
  }
  compare(NFT_CMP_NEQ, &mark, sizeof mark);
  return *this;
}

Rule& Rule::opensConnection() {
  Attributes(add("meta").attributes).number(NFTA_META_KEY, NFT_META_L4PROTO).number(NFTA_META_DREG, kValue);
  const uint8_t tcp = IPPROTO_TCP;
  compare(NFT_CMP_EQ, &tcp, sizeof tcp);
  load(NFT_PAYLOAD_TRANSPORT_HEADER, kTcpFlags, 1, kValue);
  const uint8_t none = 0;
  Attributes(add("bitwise").attributes)
      .number(NFTA_BITWISE_SREG, kValue)
      .number(NFTA_BITWISE_DREG, kValue)
      .number(NFTA_BITWISE_LEN, 1)
      .data(NFTA_BITWISE_MASK, &kSynOrAck, 1)
      .data(NFTA_BITWISE_XOR, &none, 1);
  compare(NFT_CMP_EQ, &kSyn, 1);
  return *this;
}

Rule& Rule::to(int family, const char* set) {
  const bool v4 = family == AF_INET;
  Attributes(add("meta").attributes).number(NFTA_META_KEY, NFT_META_NFPROTO).number(NFTA_META_DREG, kValue);
  const uint8_t protocol = v4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
  compare(NFT_CMP_EQ, &protocol, sizeof protocol);
  load(NFT_PAYLOAD_NETWORK_HEADER, v4 ? kDestination4 : kDestination6, v4 ? 4 : 16, kValue);
  load(NFT_PAYLOAD_TRANSPORT_HEADER, kTcpDestinationPort, 2, v4 ? kAfterIpv4 : kAfterIpv6);
  Attributes(add("lookup").attributes).text(NFTA_LOOKUP_SET, set).number(NFTA_LOOKUP_SREG, kValue);
  return *this;
}

Rule& Rule::reset() {
  Attributes(add("reject").attributes).number(NFTA_REJECT_TYPE, NFT_REJECT_TCP_RST);
  return *this;
}

Rule& Rule::turnTo(const SocketAddress& target) {
  PP_ASSERT(target.family() == AF_INET || target.family() == AF_INET6);
  const bool v4 = target.family() == AF_INET;
  if (v4) {
    immediate(kValue, &reinterpret_cast<const sockaddr_in*>(target.get())->sin_addr, 4);
  } else {
    immediate(kValue, &reinterpret_cast<const sockaddr_in6*>(target.get())->sin6_addr, 16);
  }
  const uint16_t port = htons(target.port());
  immediate(kPort, &port, sizeof port);
  Attributes(add("nat").attributes)
      .number(NFTA_NAT_TYPE, NFT_NAT_DNAT)
      .number(NFTA_NAT_FAMILY, v4 ? NFPROTO_IPV4 : NFPROTO_IPV6)
      .number(NFTA_NAT_REG_ADDR_MIN, kValue)
      .number(NFTA_NAT_REG_PROTO_MIN, kPort);
  return *this;
}

void Rule::put(nlmsghdr* message) const {
  nlattr* list = mnl_attr_nest_start(message, NFTA_RULE_EXPRESSIONS);
  for (const Expression& expression : expressions_) {
    nlattr* element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
    mnl_attr_put_strz(message, NFTA_EXPR_NAME, expression.name);
    mnl_attr_put(message, NLA_F_NESTED | NFTA_EXPR_DATA, expression.attributes.size(), expression.attributes.data());
    mnl_attr_nest_end(message, element);
  }
  mnl_attr_nest_end(message, list);
}

}  // namespace peerpulse::netlink
