// GuardPolicy: which peers are refused now. Pure: what is known of peers and of this host in, a decision for each peer out.
//
//   idle      the peer is not dead: nothing is done to anybody
//   refused   it is dead: its sockets go at once, new connects are refused for as long as this lasts
//   withheld  it is dead, and still nothing is done, because:
//     first_second    this process has not known the peer for a second yet
//     prober_stalled  the verdict is stale (design section 3: fail open)
//     heard_since     it was heard within the last second and after the verdict: its kernel is back, its process (stopped,
//                     starting) not yet
//     host_lives      another peer at the same address is not dead: the sockets may be that one's
//     operator        an operator says that traffic flows
//     local_health    most peers fell silent at once, or the own link is down: this host is the suspect, or was within the
//                     last second
//     nobody_else     no other peer, nor the witness, was heard since: the same, if there is nobody left to compare with
//     max_peers       so many are refused already
//
// Somebody else counts if he was heard in the second half of the dead peer's silence. When this host is cut off, all are
//   heard for the last time within one probe interval, and a silence that made a verdict is longer than two of them; so a
//   peer whose own verdict is merely late does not count. One that lives is heard once per interval, so this delays nothing.
// And only once he has answered for a second since he was last dead or unknown: after an outage of the own link peers return
//   one by one, and who is a little later than another is not dead. The same goes for the witness since he last failed to
//   answer.
// Decisions follow the moment: a peer that was refused is let go as soon as its reason has gone.
//
// Threading: none. No clock.
#pragma once

#include <cstdint>
#include <vector>

#include "peerpulse/base/time.h"
#include "peerpulse/health/verdict.h"

namespace peerpulse::guard {

enum class State : uint8_t { kIdle, kRefused, kWithheld };
/// "idle", "refused", "withheld".
const char* toString(State state);

enum class Withheld : uint8_t {
  kNot,
  kFirstSecond,
  kProberStalled,
  kOperator,
  kLocalHealth,
  kNobodyElse,
  kMaxPeers,
  kHeardSince,
  kHostLives,
};
inline constexpr size_t kWithheldReasons = 9;
/// "", "first_second", "prober_stalled", "operator", "local_health", "nobody_else", "max_peers", "heard_since",
/// "host_lives".
const char* toString(Withheld why);

struct Decision {
  State state = State::kIdle;
  Withheld why = Withheld::kNot;

  friend bool operator==(const Decision&, const Decision&) = default;
};

/// What is known of one peer.
struct PeerView {
  /// Whether the guard is meant for it at all. One that is not still counts as somebody else.
  bool guarded = true;
  health::Verdict verdict = health::Verdict::kUnknown;
  /// An operator holds its circuit closed.
  bool heldClosed = false;
  /// The last evidence of life; TimePoint(): none yet.
  TimePoint lastHeard{};
  /// Since when this process probes it.
  TimePoint knownSince{};
  /// Another peer of this address is not dead, or not yet (of one that was never heard nothing is known).
  bool hostLives = false;
};

/// What is known of this host.
struct HostView {
  /// Local health: most peers fell silent at once, or the link is down.
  bool suspect = false;
  bool proberStalled = false;
  /// When the witness was last heard; TimePoint(): never, or there is none.
  TimePoint witnessHeard{};
  /// When he last left a question unanswered; TimePoint(): never.
  TimePoint witnessSilent{};
};

/// How long a peer has been silent. One that was never heard: for as long as it is known.
Duration silenceOf(const PeerView& peer, TimePoint now);

class GuardPolicy {
 public:
  /// `maxPeers` as in Options, 0 resolved by the number of peers.
  GuardPolicy(size_t peers, uint32_t maxPeers, bool hasWitness);

  /// By peer, in the order of `peers`, whose number is that given to the constructor. Valid until the next call.
  const std::vector<Decision>& decide(const HostView& host, const std::vector<PeerView>& peers, TimePoint now);

  /// Whether a word of the witness would help now: without it somebody is, or would be, withheld for kNobodyElse.
  bool wantsWitness() const { return wantsWitness_; }
  uint32_t maxPeers() const { return maxPeers_; }

  static constexpr Duration kFirstSecond = seconds(1);
  /// How long somebody must have answered to count.
  static constexpr Duration kSettled = seconds(1);
  /// A word of the witness is good for so long.
  static constexpr Duration kWitnessGood = seconds(2);

 private:
  bool heardSince(size_t peer, const PeerView& dead, TimePoint now);
  Withheld withheldFor(const PeerView& dead, const HostView& host, TimePoint latest, TimePoint now);
  TimePoint latestHeard(const std::vector<PeerView>& peers, TimePoint now);
  bool witnessed(const PeerView& dead, const HostView& host, TimePoint now) const;
  void capRefused(const std::vector<PeerView>& peers, TimePoint now);

  const uint32_t maxPeers_;
  const bool hasWitness_;
  bool wantsWitness_ = false;
  TimePoint suspectAt_;  // when this host was last
  std::vector<Decision> decisions_;
  std::vector<Decision> previous_;
  std::vector<TimePoint> answersSince_;  // by peer; max(): it was dead or unknown after that
  std::vector<TimePoint> deadSince_;     // by peer; max(): it is not
  std::vector<uint32_t> refused_;        // scratch: indexes
};

}  // namespace peerpulse::guard
