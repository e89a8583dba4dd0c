#include "refusal_table.h"

namespace peerpulse::guard {

namespace {

constexpr const char* kSet4 = "refused4";
constexpr const char* kSet6 = "refused6";
/// Behind what turns connects to elsewhere: those are no connects to the dead any more.
constexpr int32_t kPriority = -10;

netlink::Layout layoutOf(netlink::MarkOf of, uint32_t mark) {
  using netlink::Rule;
  netlink::OutputChain chain{"output", "filter", kPriority, {}};
  chain.rules.push_back(Rule().notMarked(of, mark).opensConnection().to(AF_INET, kSet4).reset());
  chain.rules.push_back(Rule().notMarked(of, mark).opensConnection().to(AF_INET6, kSet6).reset());
  return {.owned = false, .sets = {"refused"}, .chains = {std::move(chain)}};
}

}  // namespace

Result<RefusalTable> RefusalTable::make(const std::string& node, uint32_t mark) {
  auto socket = netlink::NetlinkSocket::open(NETLINK_NETFILTER);
  if (!socket) return socket.error();
  auto table =
      netlink::TimedTable::make(std::move(*socket), "peerpulse_" + node,
                                {layoutOf(netlink::MarkOf::kSocket, mark), layoutOf(netlink::MarkOf::kPacket, mark)});
  if (!table) return table.error();
  return RefusalTable(std::move(*table));
}

}  // namespace peerpulse::guard
