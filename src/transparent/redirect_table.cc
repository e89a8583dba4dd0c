#include "redirect_table.h"

namespace peerpulse::transparent {

namespace {

using netlink::MarkOf;
using netlink::Rule;

// NF_IP_PRI_NAT_DST, where packets of this host change their destination; and before it.
constexpr int32_t kTurns = -100;
constexpr int32_t kBeforeItTurns = -110;

Rule connectOfOthers(MarkOf of, uint32_t mark) { return Rule().notMarked(of, mark).opensConnection(); }

netlink::Layout layoutOf(MarkOf of, bool owned, uint32_t mark, const std::vector<SocketAddress>& listeners) {
  netlink::OutputChain refuse{"refuse", "filter", kBeforeItTurns, {}};
  netlink::OutputChain redirect{"redirect", "nat", kTurns, {}};
  for (const SocketAddress& listener : listeners) {
    const bool v4 = listener.family() == AF_INET;
    refuse.rules.push_back(connectOfOthers(of, mark).to(listener.family(), v4 ? "refused4" : "refused6").reset());
    redirect.rules.push_back(
        connectOfOthers(of, mark).to(listener.family(), v4 ? "redirected4" : "redirected6").turnTo(listener));
  }
  return {.owned = owned, .sets = {"redirected", "refused"}, .chains = {std::move(refuse), std::move(redirect)}};
}

}  // namespace

Result<RedirectTable> RedirectTable::make(netlink::NetlinkSocket socket, const std::string& node, uint32_t mark,
                                          const std::vector<SocketAddress>& listeners) {
  std::vector<netlink::Layout> layouts;
  for (const bool owned : {true, false}) {
    for (const MarkOf of : {MarkOf::kSocket, MarkOf::kPacket})
      layouts.push_back(layoutOf(of, owned, mark, listeners));
  }
  auto table = netlink::TimedTable::make(std::move(socket), "peerpulse_" + node + "_transparent", std::move(layouts));
  if (!table) return table.error();
  return RedirectTable(std::move(*table));
}

}  // namespace peerpulse::transparent
