// EventLog: the last 1,024 transitions, warnings, deeds of the guard, changes of how a peer is probed and of this host's own
// state, for /events; the wall-clock time of each peer's last transition (`since`), and the version of what /peers shows
// (`/peers?wait=`).
//
// Thread safety: any thread (add() is the reporter's, on the main one). One short mutex; add() is called per
//   transition, never per exchange.
// Invariants: sequence numbers grow by one from 1 and are never reused; at most kCapacity events are kept. The version
//   grows with each change of a peer or of this host's own state, after that can be seen: who reads the version first and
//   the state then has at least what the version stands for. It begins with the time of the start, so that a version of an
//   earlier process is none of this one's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <variant>
#include <vector>

#include "peerpulse/base/mutex.h"
#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/time.h"
#include "peerpulse/guard/guard.h"
#include "peerpulse/health/link_choice.h"
#include "peerpulse/health/local_health.h"
#include "peerpulse/health/rung_change.h"
#include "peerpulse/health/transition.h"
#include "peerpulse/health/trend.h"

namespace peerpulse::admin {

/// What this host thinks of itself changed.
struct LocalChange {
  health::LocalState from{};
  health::LocalState to{};
  TimePoint at;
  health::LocalEvidence evidence{};
};

struct Event {
  uint64_t sequence = 0;
  WallTime at;
  uint32_t folded = 0;  ///< transitions: earlier ones that this one stands for, too (server/transition_folder.h)
  std::variant<health::Transition, health::Degrading, health::RungChange, health::LinkChange, LocalChange,
               guard::GuardChange>
      what;
};

class EventLog {
 public:
  static constexpr size_t kCapacity = 1024;

  /// `started`: what since() says of a peer without any transition.
  EventLog(size_t peerCount, WallTime started);

  // `at`: the wall-clock time of what happened.
  void add(const health::Transition& transition, WallTime at, uint32_t folded = 0);
  void add(const health::Degrading& warning, WallTime at);
  void add(const health::RungChange& change, WallTime at);
  void add(const health::LinkChange& change, WallTime at);
  void add(const LocalChange& change, WallTime at);
  void add(const guard::GuardChange& change, WallTime at);
  /// The peer's verdict or circuit changed, whether or not that becomes an event of its own.
  void changed(PeerId peer, WallTime at);
  /// Changes so far of what /peers shows, warnings and statistics aside.
  uint64_t version() const;
  /// The last change of the peer's verdict or circuit.
  WallTime since(PeerId peer) const;
  /// Events with a higher sequence than `sequence` that are still kept, oldest first; all of them for 0.
  std::vector<Event> after(uint64_t sequence) const;
  /// 0 when there was none.
  uint64_t lastSequence() const;

  /// Called after every add() and changed(), on its thread and without the lock; must not block. An empty function ends it,
  /// and when setListener() returns no call of the old one is going on.
  void setListener(std::function<void()> listener);

 private:
  /// Gives it its sequence.
  void append(Event event) PP_REQUIRES(mutex_);
  void callListener() PP_EXCLUDES(mutex_, listenerMutex_);

  mutable Mutex mutex_;
  std::deque<Event> events_ PP_GUARDED_BY(mutex_);
  std::vector<WallTime> since_ PP_GUARDED_BY(mutex_);  // by PeerId
  uint64_t lastSequence_ PP_GUARDED_BY(mutex_) = 0;
  uint64_t version_ PP_GUARDED_BY(mutex_);
  Mutex listenerMutex_;  // never taken while mutex_ is held
  std::function<void()> listener_ PP_GUARDED_BY(listenerMutex_);
};

}  // namespace peerpulse::admin
