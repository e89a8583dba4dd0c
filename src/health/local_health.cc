#include "peerpulse/health/local_health.h"

#include <utility>

namespace peerpulse::health {

namespace {

// One peer that is silent is a dead peer, whoever else there is.
constexpr size_t kMinSilent = 2;

}  // namespace

LocalHealth::LocalHealth(uint32_t peers, Duration lagLimit)
    : lagLimit_(lagLimit), due_(peers, TimePoint::max()), verdicts_(peers, Verdict::kUnknown) {}

// When most have died it is decided whether they did so at once; each further death may decide it again.
void LocalHealth::verdict(PeerId peer, Verdict verdict, TimePoint now) {
  const Verdict before = std::exchange(verdicts_[slot(peer)], verdict);
  if (before == verdict) return;
  if (before == Verdict::kUnknown) ++known_;
  if (verdict == Verdict::kUnknown) --known_;
  if (before == Verdict::kDead) --dead_;
  if (verdict == Verdict::kDead) ++dead_;
  cutOff_ = mostDead() && (cutOff_ || (verdict == Verdict::kDead && now < suspectUntil_));
}

bool LocalHealth::mostDead() const { return dead_ >= kMinSilent && 2 * dead_ > known_; }

bool LocalHealth::allDead() const { return dead_ >= kMinSilent && dead_ == verdicts_.size(); }

bool LocalHealth::mostOverdue(TimePoint now) {
  if (countedAt_ == TimePoint() || now - countedAt_ >= kFresh) {
    size_t counting = 0;
    size_t overdue = 0;
    for (const TimePoint due : due_) {
      counting += due != TimePoint::max() ? 1U : 0U;
      overdue += due <= now ? 1U : 0U;
    }
    mostOverdue_ = overdue >= kMinSilent && 2 * overdue > counting;
    countedAt_ = now;
  }
  if (mostOverdue_) suspectUntil_ = now + kShown;
  return mostOverdue_;
}

void LocalHealth::onLag(Duration lag, TimePoint now) {
  lag_ = lag;
  if (lag > lagLimit_) laggingUntil_ = now + kShown;
}

void LocalHealth::onLink(bool up, TimePoint now) {
  linkDown_ = !up;
  if (linkDown_) suspectUntil_ = now + kShown;
}

LocalState LocalHealth::state(TimePoint now) const {
  if (linkDown_) return LocalState::kLinkDown;
  if (now < suspectUntil_ || cutOff_ || allDead()) return LocalState::kSuspect;
  if (now < exhaustedUntil_) return LocalState::kExhausted;
  if (now < laggingUntil_) return LocalState::kLagging;
  return LocalState::kOk;
}

LocalEvidence LocalHealth::evidence(TimePoint now) const {
  LocalEvidence evidence;
  evidence.peers = static_cast<uint32_t>(known_);
  evidence.dead = static_cast<uint32_t>(dead_);
  for (const TimePoint due : due_)
    evidence.silent += due <= now ? 1U : 0U;
  evidence.linkDown = linkDown_;
  evidence.lag = lag_;
  return evidence;
}

const char* toString(LocalState state) {
  switch (state) {
    case LocalState::kOk: return "ok";
    case LocalState::kLagging: return "lagging";
    case LocalState::kSuspect: return "suspect";
    case LocalState::kLinkDown: return "link_down";
    case LocalState::kExhausted: return "exhausted";
  }
  return "?";
}

}  // namespace peerpulse::health
