#include "reporter.h"

#include <cerrno>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include "transition_log.h"

namespace peerpulse::server {

Reporter::Reporter(event::Dispatcher& dispatcher, std::function<proxy::SnapshotRef()> snapshot, stats::Stats& stats,
                   admin::EventLog& events, size_t capacity)
    : snapshot_(std::move(snapshot)),
      stats_(stats),
      events_(events),
      queue_(capacity),
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
    stats_.reportsDropped.add();
    if (const auto* transition = std::get_if<health::Transition>(&what); transition != nullptr) {
      stats_.peer(transition->peer).probe.transitionsUnreported.add();
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
  if (told == kBatch) wake();  // the rest after what else the loop has to do
  tellDropped();
}

void Reporter::drain() {
  while (tellNext()) {
  }
  tellDropped();
}

bool Reporter::tellNext() {
  Report report;
  if (!queue_.pop(report)) return false;
  std::visit([&](const auto& what) { tell(what, report.at); }, report.what);
  return true;
}

void Reporter::tellDropped() {
  const uint64_t dropped = stats_.reportsDropped.get();
  if (dropped == droppedTold_) return;
  logReportsDropped(dropped - droppedTold_);
  droppedTold_ = dropped;
}

void Reporter::tell(const health::Transition& transition, WallTime at) {
  const bool verdictChanged = transition.from.verdict != transition.to.verdict;
  stats_.countTransition(
      transition.peer,
      verdictChanged ? health::toString(transition.to.verdict) : health::toString(transition.to.circuit),
      health::toString(transition.to.reason));
  events_.add(transition, at);
  logTransition(stats_.name(transition.peer), transition, at);
}

void Reporter::tell(const health::Degrading& warning, WallTime at) {
  events_.add(warning, at);
  logDegrading(stats_.name(warning.peer), warning, at);
}

void Reporter::tell(const health::RungChange& change, WallTime at) {
  events_.add(change, at);
  logRungs(stats_.name(change.peer), change, at);
}

void Reporter::tell(const admin::LocalChange& change, WallTime at) {
  logLocalHealth(change.from, change.to, at);
  // A busy machine lags and recovers twice a second: in the history that would leave no room for anything else.
  if (health::isGrave(change.from) || health::isGrave(change.to)) events_.add(change, at);
}

void Reporter::tell(const GateFailure& failure, WallTime at) {
  const proxy::SnapshotRef now = snapshot_();
  if (const proxy::PeerOptions* peer = now->find(failure.peer)) logGateFailure(peer->name, peer->listen, failure, at);
}

}  // namespace peerpulse::server
