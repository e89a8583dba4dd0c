#include "peerpulse/guard/policy.h"

#include <algorithm>
#include <utility>

#include "peerpulse/base/assert.h"

namespace peerpulse::guard {

namespace {

using health::Verdict;

/// Whether its kernel answers: also that of a peer whose process is gone or stopped.
bool answers(Verdict verdict) {
  return verdict == Verdict::kAlive || verdict == Verdict::kRefusing || verdict == Verdict::kStalled;
}

TimePoint heardOrKnown(const PeerView& peer) { return std::max(peer.lastHeard, peer.knownSince); }

/// Who was heard after this moment says that the dead peer's silence is not our own.
TimePoint silenceHalfway(const PeerView& dead, TimePoint now) { return now - silenceOf(dead, now) / 2; }

uint32_t resolvedMax(size_t peers, uint32_t configured, bool hasWitness) {
  if (configured != 0) return configured;
  return static_cast<uint32_t>(hasWitness || peers == 0 ? peers : peers - 1);
}

}  // namespace

Duration silenceOf(const PeerView& peer, TimePoint now) {
  return std::max<Duration>(now - heardOrKnown(peer), Duration::zero());
}

GuardPolicy::GuardPolicy(size_t peers, uint32_t maxPeers, bool hasWitness)
    : maxPeers_(resolvedMax(peers, maxPeers, hasWitness)),
      hasWitness_(hasWitness),
      decisions_(peers),
      previous_(peers),
      answersSince_(peers, TimePoint::max()),
      deadSince_(peers, TimePoint::max()) {
  refused_.reserve(peers);
}

const std::vector<Decision>& GuardPolicy::decide(const HostView& host, const std::vector<PeerView>& peers,
                                                 TimePoint now) {
  PP_ASSERT(peers.size() == decisions_.size());
  std::swap(previous_, decisions_);
  wantsWitness_ = false;
  if (host.suspect) suspectAt_ = now;
  const TimePoint latest = latestHeard(peers, now);
  for (size_t i = 0; i < peers.size(); ++i) {
    decisions_[i] = {};
    if (peers[i].verdict != Verdict::kDead) deadSince_[i] = TimePoint::max();
    if (!peers[i].guarded || peers[i].verdict != Verdict::kDead) continue;
    const Withheld why =
        heardSince(i, peers[i], now) ? Withheld::kHeardSince : withheldFor(peers[i], host, latest, now);
    decisions_[i] = why == Withheld::kNot ? Decision{State::kRefused, why} : Decision{State::kWithheld, why};
  }
  capRefused(peers, now);
  return decisions_;
}

// The detector waits for an answer of the process before it takes `dead` back. Only for a second: what a busy worker read late
// must not hide a death.
bool GuardPolicy::heardSince(size_t peer, const PeerView& dead, TimePoint now) {
  deadSince_[peer] = std::min(deadSince_[peer], now);
  return dead.lastHeard > deadSince_[peer] && now - dead.lastHeard < kSettled;
}

Withheld GuardPolicy::withheldFor(const PeerView& dead, const HostView& host, TimePoint latest, TimePoint now) {
  if (host.proberStalled) return Withheld::kProberStalled;
  if (dead.hostLives) return Withheld::kHostLives;
  if (dead.heldClosed) return Withheld::kOperator;
  if (now - dead.knownSince < kFirstSecond) return Withheld::kFirstSecond;
  // Who has just been cut off hears of one peer before he hears of the others.
  if (suspectAt_ != TimePoint() && now - suspectAt_ < kSettled) return Withheld::kLocalHealth;
  if (latest > silenceHalfway(dead, now)) return Withheld::kNot;
  if (!hasWitness_) return Withheld::kNobodyElse;
  wantsWitness_ = true;
  return witnessed(dead, host, now) ? Withheld::kNot : Withheld::kNobodyElse;
}

// When a peer that counts was heard last; TimePoint(): there is none. A suspicion interrupts nothing, unless it lasts: where
// little of a host can be asked it may outlast an outage of the own link, and then he returns as the dead ones do. So does a
// stopped process's host, whose verdict tells of the process. One that is alive may be asked less often than that.
TimePoint GuardPolicy::latestHeard(const std::vector<PeerView>& peers, TimePoint now) {
  TimePoint latest{};
  for (size_t i = 0; i < peers.size(); ++i) {
    const Verdict verdict = peers[i].verdict;
    const bool mute = verdict != Verdict::kAlive && silenceOf(peers[i], now) >= kSettled;
    if (mute || verdict == Verdict::kDead || verdict == Verdict::kUnknown) answersSince_[i] = TimePoint::max();
    if (mute || !answers(verdict)) continue;
    answersSince_[i] = std::min(answersSince_[i], now);
    if (now - answersSince_[i] >= kSettled) latest = std::max(latest, peers[i].lastHeard);
  }
  return latest;
}

bool GuardPolicy::witnessed(const PeerView& dead, const HostView& host, TimePoint now) const {
  if (host.witnessSilent != TimePoint() && now - host.witnessSilent < kSettled) return false;
  return host.witnessHeard > silenceHalfway(dead, now) && now - host.witnessHeard <= kWitnessGood;
}

// Who was refused already stays so; of the others, those that are silent for longest go first.
void GuardPolicy::capRefused(const std::vector<PeerView>& peers, TimePoint now) {
  refused_.clear();
  for (uint32_t i = 0; i < decisions_.size(); ++i) {
    if (decisions_[i].state == State::kRefused) refused_.push_back(i);
  }
  if (refused_.size() <= maxPeers_) return;
  std::stable_sort(refused_.begin(), refused_.end(), [&](uint32_t a, uint32_t b) {
    const bool aWas = previous_[a].state == State::kRefused;
    const bool bWas = previous_[b].state == State::kRefused;
    if (aWas != bWas) return aWas;
    return silenceOf(peers[a], now) > silenceOf(peers[b], now);
  });
  for (size_t i = maxPeers_; i < refused_.size(); ++i)
    decisions_[refused_[i]] = {State::kWithheld, Withheld::kMaxPeers};
}

const char* toString(State state) {
  switch (state) {
    case State::kIdle: return "idle";
    case State::kRefused: return "refused";
    case State::kWithheld: return "withheld";
  }
  return "?";
}

const char* toString(Withheld why) {
  switch (why) {
    case Withheld::kNot: return "";
    case Withheld::kFirstSecond: return "first_second";
    case Withheld::kProberStalled: return "prober_stalled";
    case Withheld::kOperator: return "operator";
    case Withheld::kLocalHealth: return "local_health";
    case Withheld::kNobodyElse: return "nobody_else";
    case Withheld::kMaxPeers: return "max_peers";
    case Withheld::kHeardSince: return "heard_since";
    case Withheld::kHostLives: return "host_lives";
  }
  return "?";
}

}  // namespace peerpulse::guard
