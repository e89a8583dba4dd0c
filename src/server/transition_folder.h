// TransitionFolder: keeps a peer whose verdict flips from filling the log and the history. A change of its circuit, or of an
// operator's override, is told at once; a change of its verdict alone at most once per kInterval, after kBurst in a row.
// What comes in between is folded into the next line, which says how much that was:
//
//   alive > suspect   told      ...      suspect > alive    folded 24: one line of the last second, from where it
//                                                           began to where it ended
//
// The last state is always told, a second later at most. Pure: no clock, no I/O.
//
// Threading: one thread. Memory: a few hundred bytes per peer.
#pragma once

#include <optional>
#include <vector>

#include "peerpulse/base/time.h"
#include "peerpulse/health/transition.h"

namespace peerpulse::server {

/// One line of log and history.
struct ToldTransition {
  health::Transition what;  ///< the last of those that the line stands for, but `from` is the first one's
  WallTime at;
  uint32_t folded = 0;  ///< those before it
};

class TransitionFolder {
 public:
  /// What is to be told now. `at`: the wall-clock time of the transition.
  std::optional<ToldTransition> add(const health::Transition& transition, WallTime at);
  /// When a folded one must be told; TimePoint::max(): never.
  TimePoint nextDue() const;
  /// Those that are due; all of them for TimePoint::max().
  std::vector<ToldTransition> takeDue(TimePoint now);

  static constexpr int kBurst = 5;
  static constexpr Duration kInterval = seconds(1);

 private:
  struct Entry {
    PeerId peer{};
    /// When the allowance is full again: each line takes an interval of it.
    TimePoint fullAt;
    std::optional<ToldTransition> waiting;

    TimePoint allowedAt() const { return fullAt - (kBurst - 1) * kInterval; }
  };

  Entry& entryOf(PeerId peer);

  std::vector<Entry> entries_;  // by slot
  std::vector<uint32_t> waiting_;
};

}  // namespace peerpulse::server
