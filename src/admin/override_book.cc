#include "override_book.h"

#include <algorithm>
#include <utility>

namespace peerpulse::admin {

using health::CircuitOverride;

const char* toString(CircuitOverride::Kind kind) {
  constexpr const char* kNames[] = {"auto", "open", "closed"};
  return kNames[static_cast<size_t>(kind)];
}

void OverrideBook::note(PeerId peer, Entry entry) {
  if (slot(peer) >= entries_.size()) entries_.resize(slot(peer) + 1);
  entries_[slot(peer)] = std::move(entry);
}

// Between the order and the prober's turn the circuit does not show it yet, and neither does this.
Json OverrideBook::json(PeerId peer, bool overridden, TimePoint now) const {
  if (!overridden || slot(peer) >= entries_.size()) return nullptr;
  const Entry& entry = entries_[slot(peer)];
  if (entry.change.kind == CircuitOverride::Kind::kAuto) return nullptr;
  Json left = nullptr;
  if (entry.change.ttl > Duration::zero()) {
    const Duration rest = std::max<Duration>(entry.change.ttl - (now - entry.at), Duration::zero());
    left = std::chrono::duration_cast<milliseconds>(rest).count();
  }
  return {{"state", toString(entry.change.kind)},
          {"why", entry.why},
          {"by", entry.by},
          {"since", formatRfc3339(entry.wallAt)},
          {"ttl_left_ms", std::move(left)}};
}

}  // namespace peerpulse::admin
