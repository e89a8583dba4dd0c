#include "flow_watch.h"

#include "peerpulse/event/sliced_work.h"
#include "pool.h"
#include "pooled_connection.h"

namespace peerpulse::upstream {

void FlowWatch::add(PooledConnection& connection) {
  if (connection.ListNode<FlowTag>::linked()) return;
  watched_.pushBack(connection);
  if (timer_ == nullptr) timer_ = pool_.context().io.scheduler.createTimer([this] { look(); });
  if (!timer_->enabled()) timer_->enable(kInterval);
}

// What is found calls back: any connection may leave meanwhile, and others come.
void FlowWatch::look() {
  const TimePoint now = pool_.context().now();
  if (left_ == 0) {
    left_ = watched_.size();
    lookedAt_ = std::exchange(began_, now);
  }
  const TimePoint stop = now + event::SlicedWork::kSlice;
  for (; left_ > 0 && !watched_.empty() && pool_.context().now() < stop; --left_) {
    PooledConnection& connection = watched_.front();
    connection.ListNode<FlowTag>::unlink();
    if (connection.activeStreams() == 0) {
      if (connection.silent()) pool_.onUseless(connection);
      continue;
    }
    watched_.pushBack(connection);
    examine(connection);
  }
  if (watched_.empty()) left_ = 0;
  if (!watched_.empty()) timer_->enable(left_ > 0 ? Duration::zero() : kInterval);
}

// A peer of whom nothing is heard anywhere is the prober's to judge.
void FlowWatch::examine(PooledConnection& connection) {
  if (!pool_.peerLives()) return;
  if (!connection.silent() && (connection.heardAt() > lookedAt_ || !connection.sentSinceAcknowledged())) return;
  connection.lookAtFlow();
}

}  // namespace peerpulse::upstream
