#include "local_watch.h"

#include <utility>

#include "peerpulse/net/link.h"

namespace peerpulse::probe {

using health::LocalState;

LocalWatch::LocalWatch(uint32_t peers, Duration lagLimit, OnChange onChange)
    : health_(peers, lagLimit), onChange_(std::move(onChange)) {}

bool LocalWatch::ownHostSuspect(TimePoint now) {
  const bool overdue = health_.mostOverdue(now);
  checkLink(now);
  update(now);
  return overdue;
}

void LocalWatch::verdict(PeerId peer, health::Verdict verdict, TimePoint now) {
  health_.verdict(peer, verdict, now);
  update(now);
}

void LocalWatch::couldNotAsk(TimePoint now) {
  health_.onUnasked(now);
  update(now);
}

void LocalWatch::beat(Duration lag, TimePoint now) {
  health_.onLag(lag, now);
  const LocalState state = health_.state(now);
  if (state == LocalState::kSuspect || state == LocalState::kLinkDown) checkLink(now);
  update(now);
}

void LocalWatch::checkLink(TimePoint now) {
  if (now - linkCheckedAt_ < kLinkInterval || local_.family() == AF_UNSPEC) return;
  linkCheckedAt_ = now;
  health_.onLink(net::linkUp(local_), now);
}

void LocalWatch::update(TimePoint now) {
  const LocalState before = state();
  const LocalState after = health_.state(now);
  if (before == after) return;
  state_.store(after, std::memory_order_relaxed);
  onChange_(before, after);
}

}  // namespace peerpulse::probe
