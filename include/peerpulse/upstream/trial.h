// Trial: the permit of the one request that a half-open circuit lets through at a time. It goes back by itself unless the
// request's outcome decides about the circuit.
//
// Threading: one thread; the permits are shared (see TrialPermits).
#pragma once

#include <cstdint>

#include "peerpulse/health/trial_permits.h"

namespace peerpulse::upstream {

class Trial {
 public:
  explicit Trial(health::TrialPermits& permits) : permits_(permits) {}
  ~Trial() { giveBack(); }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  /// True also if it was taken for this generation before: a trial that is sent again is still the same trial.
  bool take(PeerId peer, uint16_t generation) {
    if (held_ && generation_ == generation) return true;
    giveBack();
    held_ = permits_.take(peer, generation);
    peer_ = peer;
    generation_ = generation;
    return held_;
  }
  /// An outcome is in: the next trial is the circuit's to allow.
  void decided() { held_ = false; }
  void giveBack() {
    if (held_) permits_.giveBack(peer_, generation_);
    held_ = false;
  }
  bool held() const { return held_; }

 private:
  health::TrialPermits& permits_;
  PeerId peer_{};
  uint16_t generation_ = 0;
  bool held_ = false;
};

}  // namespace peerpulse::upstream
