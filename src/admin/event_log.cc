#include "peerpulse/admin/event_log.h"

#include <utility>

#include "peerpulse/base/assert.h"

namespace peerpulse::admin {

EventLog::EventLog(size_t peerCount, WallTime started)
    : since_(peerCount, started),
      version_(static_cast<uint64_t>(std::chrono::duration_cast<microseconds>(started.time_since_epoch()).count())) {}

void EventLog::add(const health::Transition& transition, WallTime at, uint32_t folded) {
  {
    const MutexLock lock(mutex_);
    PP_ASSERT(slot(transition.peer) < since_.size());
    append({0, at, folded, transition});
  }
  callListener();
}

void EventLog::changed(PeerId peer, WallTime at) {
  {
    const MutexLock lock(mutex_);
    PP_ASSERT(slot(peer) < since_.size());
    since_[slot(peer)] = at;
    ++version_;
  }
  callListener();
}

uint64_t EventLog::version() const {
  const MutexLock lock(mutex_);
  return version_;
}

void EventLog::add(const health::Degrading& warning, WallTime at) {
  {
    const MutexLock lock(mutex_);
    PP_ASSERT(slot(warning.peer) < since_.size());
    append({0, at, 0, warning});
  }
  callListener();
}

void EventLog::add(const health::RungChange& change, WallTime at) {
  {
    const MutexLock lock(mutex_);
    PP_ASSERT(slot(change.peer) < since_.size());
    append({0, at, 0, change});
  }
  callListener();
}

void EventLog::add(const health::LinkChange& change, WallTime at) {
  {
    const MutexLock lock(mutex_);
    PP_ASSERT(slot(change.peer) < since_.size());
    append({0, at, 0, change});
    ++version_;
  }
  callListener();
}

void EventLog::add(const LocalChange& change, WallTime at) {
  {
    const MutexLock lock(mutex_);
    append({0, at, 0, change});
    ++version_;
  }
  callListener();
}

void EventLog::add(const guard::GuardChange& change, WallTime at) {
  {
    const MutexLock lock(mutex_);
    append({0, at, 0, change});
    ++version_;
  }
  callListener();
}

void EventLog::append(Event event) {
  event.sequence = ++lastSequence_;
  events_.push_back(event);
  if (events_.size() > kCapacity) events_.pop_front();
}

void EventLog::callListener() {
  const MutexLock lock(listenerMutex_);
  if (listener_) listener_();
}

WallTime EventLog::since(PeerId peer) const {
  const MutexLock lock(mutex_);
  PP_ASSERT(slot(peer) < since_.size());
  return since_[slot(peer)];
}

std::vector<Event> EventLog::after(uint64_t sequence) const {
  const MutexLock lock(mutex_);
  if (sequence >= lastSequence_) return {};
  const uint64_t wanted = lastSequence_ - sequence;
  const size_t skip = wanted >= events_.size() ? 0 : events_.size() - static_cast<size_t>(wanted);
  return {events_.begin() + static_cast<std::ptrdiff_t>(skip), events_.end()};
}

uint64_t EventLog::lastSequence() const {
  const MutexLock lock(mutex_);
  return lastSequence_;
}

void EventLog::setListener(std::function<void()> listener) {
  const MutexLock lock(listenerMutex_);
  listener_ = std::move(listener);
}

}  // namespace peerpulse::admin
