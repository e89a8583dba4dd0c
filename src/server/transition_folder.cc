#include "transition_folder.h"

#include <algorithm>
#include <utility>

namespace peerpulse::server {

TransitionFolder::Entry& TransitionFolder::entryOf(PeerId peer) {
  if (slot(peer) >= entries_.size()) entries_.resize(slot(peer) + 1);
  Entry& entry = entries_[slot(peer)];
  if (entry.peer != peer && !entry.waiting) entry = Entry{peer, {}, {}};  // the slot has another peer now
  return entry;
}

std::optional<ToldTransition> TransitionFolder::add(const health::Transition& transition, WallTime at) {
  Entry& entry = entryOf(transition.peer);
  ToldTransition line{transition, at, 0};
  if (entry.waiting) {
    line.what.from = entry.waiting->what.from;
    line.folded = entry.waiting->folded + 1;
  }
  const bool news =
      transition.from.circuit != transition.to.circuit || transition.from.overridden != transition.to.overridden;
  const bool allowed = !news && transition.at >= entry.allowedAt();
  if (allowed) entry.fullAt = std::max(entry.fullAt, transition.at) + kInterval;
  if (!news && !allowed) {
    if (!entry.waiting) waiting_.push_back(slot(transition.peer));
    entry.waiting = line;
    return std::nullopt;
  }
  if (entry.waiting) std::erase(waiting_, slot(transition.peer));
  entry.waiting.reset();
  return line;
}

TimePoint TransitionFolder::nextDue() const {
  TimePoint due = TimePoint::max();
  for (const uint32_t slot : waiting_)
    due = std::min(due, entries_[slot].allowedAt());
  return due;
}

std::vector<ToldTransition> TransitionFolder::takeDue(TimePoint now) {
  std::vector<ToldTransition> due;
  std::erase_if(waiting_, [&](uint32_t slot) {
    Entry& entry = entries_[slot];
    if (entry.allowedAt() > now) return false;
    entry.fullAt += kInterval;
    due.push_back(*std::exchange(entry.waiting, std::nullopt));
    return true;
  });
  return due;
}

}  // namespace peerpulse::server
