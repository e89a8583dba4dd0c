// LocalHealth: whether this very host is the one in trouble, before any peer is called dead. Blame yourself
// first (Lifeguard, arXiv 1707.00788): one host that hears nobody is more likely cut off than all others gone.
//
//   ok        nothing to complain of
//   lagging   the prober's loop was late by more than T: what it did not hear meanwhile proves nothing
//   exhausted no descriptor, port or memory was left to ask a peer: what could not be asked is no silence
//   suspect   most peers fell silent at once (confirm rounds are doubled), and as long as most of them stay dead;
//             or all are dead, however they came to it: nobody vouches for this host
//   link_down the own link has no carrier: it is this host that is cut off
//
// The worst that holds is shown, and for kShown after its last sign, so that a person can see it. Most peers that died one
// after the other, while others live, are no reason to doubt oneself. A refusal is an answer: who gets one is not cut off.
//
// A peer is overdue when it let the time pass by which its next answer was expected. A peer whose outage is
// known already does not count: its silence is no news.
//
// Threading: none. No clock: `now` must not go backwards. Memory: fixed by the number of peers.
#pragma once

#include <cstdint>
#include <vector>

#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/time.h"
#include "peerpulse/health/verdict.h"

namespace peerpulse::health {

enum class LocalState : uint8_t { kOk, kLagging, kSuspect, kLinkDown, kExhausted };
inline constexpr size_t kLocalStates = 5;
/// "ok", "lagging", "suspect", "link_down", "exhausted".
const char* toString(LocalState state);
/// Worth an event and a warning; a busy machine lags twice a second.
inline bool isGrave(LocalState state) { return state != LocalState::kOk && state != LocalState::kLagging; }

/// What a state of this host rests on.
struct LocalEvidence {
  uint32_t peers = 0;   ///< with a verdict
  uint32_t silent = 0;  ///< overdue now; a peer whose outage is known does not count
  uint32_t dead = 0;
  bool linkDown = false;
  Duration lag{};  ///< of the loop's last look at the time
};

class LocalHealth {
 public:
  /// A loop that is late by more than `lagLimit` lags.
  LocalHealth(uint32_t peers, Duration lagLimit);

  /// `peer` is expected to give a sign of life by `due`; TimePoint::max() while it does not count.
  void expect(PeerId peer, TimePoint due) { due_[slot(peer)] = due; }
  /// The peer's verdict changed to this. Before whoever acts on it asks for state().
  void verdict(PeerId peer, Verdict verdict, TimePoint now);

  /// True if most peers that count, and at least two, are overdue. O(peers), at most once per kFresh.
  bool mostOverdue(TimePoint now);
  void onLag(Duration lag, TimePoint now);
  /// A probe or a confirm could not leave this host.
  void onUnasked(TimePoint now) { exhaustedUntil_ = now + kShown; }
  /// What is known of the own link's carrier.
  void onLink(bool up, TimePoint now);

  LocalState state(TimePoint now) const;
  /// O(peers).
  LocalEvidence evidence(TimePoint now) const;

  static constexpr Duration kShown = seconds(1);
  static constexpr Duration kFresh = milliseconds(1);

 private:
  bool mostDead() const;
  bool allDead() const;

  Duration lagLimit_;
  std::vector<TimePoint> due_;
  bool mostOverdue_ = false;
  TimePoint countedAt_;
  // Each state holds until then.
  TimePoint laggingUntil_;
  TimePoint exhaustedUntil_;
  TimePoint suspectUntil_;
  bool linkDown_ = false;
  Duration lag_{};
  std::vector<Verdict> verdicts_;
  size_t known_ = 0;     // peers with a verdict, and
  size_t dead_ = 0;      // those of them that are dead
  bool cutOff_ = false;  // most are dead since they fell silent at once
};

}  // namespace peerpulse::health
