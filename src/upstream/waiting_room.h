// WaitingRoom: the requests to one peer that may not go yet: for a verdict that is due, or for their turn while a peer that
// has come back gets its load step by step (AdmissionRamp). It lets them go in the order in which they came, in slices.
//
// Threading: its worker's thread. Ownership: requests are their owners' and leave by themselves.
#pragma once

#include <memory>
#include <optional>

#include "admission_ramp.h"
#include "peerpulse/upstream/context.h"
#include "peerpulse/upstream/request.h"
#include "pool.h"

namespace peerpulse::upstream {

class Peer;

class WaitingRoom {
 public:
  WaitingRoom(Peer& peer, ConnectLimit& connectLimit);
  ~WaitingRoom();

  void add(Request& request);
  /// Whether a request may go now. `inTurn`: it was the first in here.
  bool mayGo(const health::CircuitWord& word, bool inTurn);
  /// The circuit's word may have changed: an outage begins or ends, and those who wait may go on or fail.
  void onCircuitChange(const health::CircuitWord& word);
  /// All of them fail.
  void clear();
  size_t size() const { return held_.size(); }
  std::optional<TimePoint> heldSince();

 private:
  void noteOutage(const health::CircuitWord& word);
  void startRamp();
  void endRamp();
  void onTimer();
  void letGo();

  Peer& peer_;
  Context& context_;
  ConnectLimit& connectLimit_;
  LinkedList<Request, HeldTag> held_;  // the oldest first
  AdmissionRamp ramp_;
  std::unique_ptr<event::Timer> timer_;  // enabled while ramping, or while requests are let go in slices
  bool outage_ = false;                  // the circuit was not closed when last looked at
};

}  // namespace peerpulse::upstream
