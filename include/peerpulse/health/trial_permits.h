// TrialPermits: one trial exchange at a time through a half-open circuit, whichever worker sends it.
//
// A permit belongs to one generation of the peer's circuit word: the prober publishes a new generation when
// the trial's outcome is in, so a permit never has to be reclaimed from a trial that answered. A trial whose
// outcome got lost does not block the next one for ever either: a circuit that has been half-open for
// open_for gets a new generation. Any other publish (a verdict that changes meanwhile) allows one more trial
// too.
//
// Thread safety: any thread; one padded atomic per slot of a PeerId, which never moves.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "peerpulse/base/peer_id.h"

namespace peerpulse::health {

class TrialPermits {
 public:
  explicit TrialPermits(uint32_t slots = kMaxPeers) : permits_(std::make_unique<Permit[]>(slots)) {}

  /// True for one caller per generation.
  bool take(PeerId peer, uint16_t generation) {
    auto& taken = permits_[slot(peer)].takenFor;
    uint32_t seen = taken.load(std::memory_order_relaxed);
    const uint32_t wanted = kTaken | generation;
    return seen != wanted && taken.compare_exchange_strong(seen, wanted, std::memory_order_acq_rel);
  }

  /// The trial ended without an outcome (the client went away): another may try.
  void giveBack(PeerId peer, uint16_t generation) {
    uint32_t expected = kTaken | generation;
    permits_[slot(peer)].takenFor.compare_exchange_strong(expected, 0, std::memory_order_acq_rel);
  }

 private:
  static constexpr uint32_t kTaken = 1U << 16;
  struct alignas(64) Permit {
    std::atomic<uint32_t> takenFor{0};
  };
  std::unique_ptr<Permit[]> permits_;
};

}  // namespace peerpulse::health
