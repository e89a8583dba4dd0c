// FlushQueue: connections with something to send, flushed once at the end of the loop turn. What many callbacks
// of one turn produce for a connection becomes one write.
//
// Threading: one per event loop thread. Bound: a slice of the loop's time per turn, the others in the next.
#pragma once

#include <memory>

#include "peerpulse/base/linked_list.h"
#include "peerpulse/event/scheduler.h"

namespace peerpulse::net {

struct FlushTag {};

/// Something that has work left for the end of the turn. Leaves the queue by itself when destroyed.
class Flushable : public ListNode<FlushTag> {
 public:
  virtual ~Flushable() = default;
  virtual void flushNow() = 0;
};

class FlushQueue {
 public:
  explicit FlushQueue(event::Scheduler& scheduler);
  /// Already queued: no-op.
  void add(Flushable& item);

 private:
  void run();

  event::Scheduler& scheduler_;
  LinkedList<Flushable, FlushTag> queue_;
  std::unique_ptr<event::TurnEnd> turnEnd_;
  std::unique_ptr<event::Timer> nextTurn_;
  bool running_ = false;
};

}  // namespace peerpulse::net
