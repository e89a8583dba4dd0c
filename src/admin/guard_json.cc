#include "guard_json.h"

namespace peerpulse::admin {

namespace {

guard::State stateOf(const stats::GuardStats& s) { return static_cast<guard::State>(s.state.get()); }

/// Why nothing will be done about this peer, whatever its verdict; empty: something will.
std::string offBecause(const GuardView& view, PeerId id) {
  if (slot(id) < view.notGuarded.size() && !view.notGuarded[slot(id)].empty()) return view.notGuarded[slot(id)];
  if (!view.active) return view.missing.empty() ? "nobody is guarded" : view.missing;
  return "";
}

}  // namespace

Json guardJson(const Context& context, const proxy::PeerOptions& peer) {
  const stats::GuardStats& s = context.sources.stats->peer(peer.id).guard;
  const std::string off = offBecause(context.sources.guard, peer.id);
  const auto why = static_cast<guard::Withheld>(s.why.get());
  return {
      {"mode", guard::toString(peer.mode)},
      {"state", off.empty() ? guard::toString(stateOf(s)) : "off"},
      {"reason", off.empty() ? guard::toString(why) : off},
      {"refusals_total", s.refusals.get()},
      {"destroyed_total", s.destroyed.get()},
      {"spared_total", s.spared.get()},
      {"failed_total", s.failed.get()},
  };
}

Json guardJson(const Context& context) {
  const GuardView& view = context.sources.guard;
  Json refused = Json::array();
  Json withheld = Json::array();
  for (const proxy::PeerOptions& peer : context.peers()) {
    const guard::State state = stateOf(context.sources.stats->peer(peer.id).guard);
    if (state == guard::State::kRefused) refused.push_back(peer.name);
    if (state == guard::State::kWithheld) withheld.push_back(peer.name);
  }
  return {{"active", view.active},
          {"missing", view.missing},
          {"table", view.table},
          {"refused", std::move(refused)},
          {"withheld", std::move(withheld)}};
}

}  // namespace peerpulse::admin
