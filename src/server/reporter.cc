#include "reporter.h"

#include <algorithm>
#include <cerrno>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include "peerpulse/health/transition_kinds.h"
#include "transition_log.h"

namespace peerpulse::server {

Reporter::Reporter(event::Dispatcher& dispatcher, Sinks sinks, size_t capacity)
    : dispatcher_(dispatcher),
      sinks_(std::move(sinks)),
      queue_(capacity),
      foldTimer_(dispatcher.createTimer([this] { tellDue(dispatcher_.now()); })),
      wakeFd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wakeFd_.valid()) {
    status_ = systemError("eventfd", errno);
    return;
  }
  wakeEvent_ = dispatcher.createFileEvent(wakeFd_.get(), [this](uint32_t) { onWake(); });
  wakeEvent_->setEnabled(event::FileEvent::kRead);
}

void Reporter::report(const Report::What& what, WallTime at) {
  if (!queue_.push({at, what})) {
    sinks_.stats.reportsDropped.add();
    if (const auto* transition = std::get_if<health::Transition>(&what); transition != nullptr) {
      sinks_.stats.peer(transition->peer).probe.transitionsUnreported.add();
    }
  }
  wake();
}

// The flag and the queue are two variables, so that both sides must exchange it: whichever exchange comes second sees
// what the other thread did before the first. Either the consumer's comes second, and it finds the report; or the
// producer's does, finds the flag down, and wakes.
void Reporter::wake() {
  if (wakePending_.exchange(true, std::memory_order_acq_rel)) return;
  const uint64_t one = 1;
  // EAGAIN means the counter is full: the loop is woken anyway. EINTR cannot happen on a non-blocking eventfd.
  [[maybe_unused]] const ssize_t n = ::write(wakeFd_.get(), &one, sizeof one);
}

void Reporter::onWake() {
  uint64_t count;
  [[maybe_unused]] const ssize_t n = ::read(wakeFd_.get(), &count, sizeof count);
  wakePending_.exchange(false, std::memory_order_acq_rel);
  size_t told = 0;
  while (told < kBatch && tellNext())
    ++told;
  tellDropped();
  if (told == kBatch) {
    wake();  // the rest after what else the loop has to do
  } else {
    catchUp();
  }
}

void Reporter::drain() {
  while (tellNext()) {
  }
  tellDropped();
  catchUp();
  tellDue(TimePoint::max());
}

bool Reporter::tellNext() {
  Report report;
  if (!queue_.pop(report)) return false;
  std::visit([&](const auto& what) { tell(what, report.at); }, report.what);
  return true;
}

void Reporter::tellDropped() {
  const uint64_t dropped = sinks_.stats.reportsDropped.get();
  if (dropped == droppedTold_) return;
  logReportsDropped(dropped - droppedTold_);
  droppedTold_ = dropped;
}

// Once nothing waits that is older. A report that comes after this look at the table may be of a word that was seen in it.
void Reporter::catchUp() {
  if (droppedCaughtUp_ == droppedTold_) return;
  droppedCaughtUp_ = droppedTold_;
  for (const proxy::PeerOptions& peer : sinks_.snapshot()->options.peers) {
    Known& known = knownOf(peer.id);
    const health::CircuitWord word = sinks_.table.load(peer.id);
    const bool same = word.verdict == known.word.verdict && word.circuit == known.word.circuit &&
                      word.reason == known.word.reason && word.overridden == known.word.overridden;
    if (same || static_cast<int16_t>(word.generation - known.word.generation) <= 0) continue;
    health::Transition transition;
    transition.peer = peer.id;
    transition.from = known.word;
    transition.to = word;
    transition.at = dispatcher_.now();
    known.caughtUp = true;
    tellChange(transition, dispatcher_.wallNow());
  }
}

Reporter::Known& Reporter::knownOf(PeerId peer) {
  if (slot(peer) >= known_.size()) known_.resize(slot(peer) + 1);
  Known& known = known_[slot(peer)];
  if (known.peer != peer) known = Known{peer, {}, false};  // the slot has another peer now
  return known;
}

void Reporter::tell(const health::Transition& transition, WallTime at) {
  const health::TransitionKind kind = health::kindOf(transition.from, transition.to);
  sinks_.stats.countTransition(transition.peer, kind.to, health::toString(kind.reason));
  Known& known = knownOf(transition.peer);
  if (known.caughtUp && static_cast<int16_t>(transition.to.generation - known.word.generation) <= 0) return;
  known.caughtUp = false;
  tellChange(transition, at);
}

void Reporter::tellChange(const health::Transition& transition, WallTime at) {
  knownOf(transition.peer).word = transition.to;
  sinks_.events.changed(transition.peer, at);
  if (sinks_.onChange) sinks_.onChange(transition, at);
  if (const auto line = folder_.add(transition, at)) {
    tellLine(*line);
  } else if (!foldTimer_->enabled()) {
    armFoldTimer();
  }
}

void Reporter::tellLine(const ToldTransition& line) {
  sinks_.events.add(line.what, line.at, line.folded);
  logEvent(sinks_.stats, {0, line.at, line.folded, line.what});
}

void Reporter::tellDue(TimePoint now) {
  for (const ToldTransition& line : folder_.takeDue(now))
    tellLine(line);
  armFoldTimer();
}

void Reporter::armFoldTimer() {
  const TimePoint next = folder_.nextDue();
  if (next != TimePoint::max()) foldTimer_->enable(std::max(next - dispatcher_.now(), Duration::zero()));
}

void Reporter::tell(const health::Degrading& warning, WallTime at) {
  sinks_.events.add(warning, at);
  logEvent(sinks_.stats, {0, at, 0, warning});
}

void Reporter::tell(const health::RungChange& change, WallTime at) {
  sinks_.events.add(change, at);
  logEvent(sinks_.stats, {0, at, 0, change});
}

void Reporter::tell(const health::LinkChange& change, WallTime at) {
  stats::LinkStats& link = sinks_.stats.peer(change.peer).link;
  if (change.to != change.from) {
    link.begins(at);
    if (change.to == health::LinkState::kFallback) link.fallbacks.add();
  }
  link.state.set(static_cast<uint64_t>(change.to));
  link.why.set(static_cast<uint64_t>(change.why));
  sinks_.events.add(change, at);
  logEvent(sinks_.stats, {0, at, 0, change});
}

void Reporter::tell(const admin::LocalChange& change, WallTime at) {
  logEvent(sinks_.stats, {0, at, 0, change});
  // A busy machine lags and recovers twice a second: in the history that would leave no room for anything else.
  if (health::isGrave(change.from) || health::isGrave(change.to)) sinks_.events.add(change, at);
}

void Reporter::tell(const GateFailure& failure, WallTime at) {
  const proxy::SnapshotRef now = sinks_.snapshot();
  if (const proxy::PeerOptions* peer = now->find(failure.peer)) logGateFailure(peer->name, peer->listen, failure, at);
}

}  // namespace peerpulse::server
