// LocalWatch: the shell around LocalHealth: it asks for the own link's carrier while there is reason to doubt it,
// and reports each change of this host's state.
//
// Threading: the prober's thread; state() any.
#pragma once

#include <atomic>
#include <functional>

#include "peerpulse/base/address.h"
#include "peerpulse/health/local_health.h"

namespace peerpulse::probe {

class LocalWatch {
 public:
  using OnChange = std::function<void(health::LocalState from, health::LocalState to)>;

  LocalWatch(uint32_t peers, Duration lagLimit, OnChange onChange);

  void expect(PeerId peer, TimePoint due) { health_.expect(peer, due); }
  /// The peer's verdict changed.
  void verdict(PeerId peer, health::Verdict verdict, TimePoint now);
  /// The address that a connection to a peer left from: its interface is the link that is watched.
  void reachedFrom(const SocketAddress& local) { local_ = local; }
  /// A peer's silence is about to be judged: whether most peers are overdue, so that this host is the suspect.
  bool ownHostSuspect(TimePoint now);
  /// A probe or a confirm could not leave this host: no descriptor, port or memory.
  void couldNotAsk(TimePoint now);
  /// The loop's heartbeat.
  void beat(Duration lag, TimePoint now);

  /// The prober's thread, as all but state().
  health::LocalEvidence evidence(TimePoint now) const { return health_.evidence(now); }
  health::LocalState state() const { return state_.load(std::memory_order_relaxed); }

  /// How often the link is asked while it is in doubt.
  static constexpr Duration kLinkInterval = milliseconds(100);

 private:
  void checkLink(TimePoint now);
  void update(TimePoint now);

  health::LocalHealth health_;
  OnChange onChange_;
  SocketAddress local_;
  TimePoint linkCheckedAt_;
  std::atomic<health::LocalState> state_{health::LocalState::kOk};
};

}  // namespace peerpulse::probe
