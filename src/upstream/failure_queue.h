// FailureQueue: the requests of one peer that failed together, with one connection or for want of one, in the order in
// which they are told. Telling an owner is the costly part of a failure (an answer, a log line): as many are told at once
// as a slice of the loop's turn allows, the others in the next turns.
//
// Threading: its worker's thread. Ownership: requests are their owners' and leave by themselves.
#pragma once

#include <memory>

#include "peerpulse/upstream/request.h"

namespace peerpulse::upstream {

class FailureQueue {
 public:
  explicit FailureQueue(event::Scheduler& scheduler);

  /// One more may be told now: nobody waits, and the slice of this turn is not used up.
  bool mayTell();
  /// It is told in a later turn.
  void add(Request& request);
  size_t size() const { return waiting_.size(); }

 private:
  void tell();

  event::Scheduler& scheduler_;
  LinkedList<Request, FailingTag> waiting_;
  TimePoint until_;  // of this turn; TimePoint() if none was told in it
  std::unique_ptr<event::TurnEnd> turnEnd_;
  std::unique_ptr<event::Timer> next_;
};

}  // namespace peerpulse::upstream
