#include "peerpulse/health/circuit_table.h"

#include "peerpulse/base/assert.h"

namespace peerpulse::health {

namespace {

// Layout of a word, from the low end: since 32, generation 16, verdict 4, circuit 2, reason 4, overridden 1.
constexpr int kGenerationShift = 32;
constexpr int kVerdictShift = 48;
constexpr int kCircuitShift = 52;
constexpr int kReasonShift = 54;
constexpr int kOverriddenShift = 58;

/// Several workers stamp, and some look back: the youngest stamp stays.
void raise(std::atomic<int64_t>& stamp, TimePoint to) {
  const int64_t wanted = to.time_since_epoch().count();
  int64_t seen = stamp.load(std::memory_order_relaxed);
  while (seen < wanted && !stamp.compare_exchange_weak(seen, wanted, std::memory_order_relaxed)) {
  }
}

}  // namespace

uint64_t CircuitWord::pack() const {
  return static_cast<uint64_t>(sinceMillis) | static_cast<uint64_t>(generation) << kGenerationShift |
         static_cast<uint64_t>(verdict) << kVerdictShift | static_cast<uint64_t>(circuit) << kCircuitShift |
         static_cast<uint64_t>(reason) << kReasonShift | static_cast<uint64_t>(overridden) << kOverriddenShift;
}

CircuitWord CircuitWord::unpack(uint64_t bits) {
  CircuitWord word;
  word.sinceMillis = static_cast<uint32_t>(bits);
  word.generation = static_cast<uint16_t>(bits >> kGenerationShift);
  word.verdict = static_cast<Verdict>(bits >> kVerdictShift & 0xf);
  word.circuit = static_cast<CircuitState>(bits >> kCircuitShift & 0x3);
  word.reason = static_cast<Reason>(bits >> kReasonShift & 0xf);
  word.overridden = (bits >> kOverriddenShift & 1) != 0;
  return word;
}

CircuitTable::CircuitTable(uint32_t peerCount) : size_(peerCount), entries_(std::make_unique<Entry[]>(peerCount)) {
  for (uint32_t i = 0; i < size_; ++i) {
    entries_[i].word.store(CircuitWord{}.pack(), std::memory_order_relaxed);
  }
}

void CircuitTable::publish(PeerId peer, CircuitWord word) {
  PP_ASSERT(index(peer) < size_);
  std::atomic<uint64_t>& slot = entries_[index(peer)].word;
  // Only this thread writes, so its own last store is what it reads.
  const CircuitWord old = CircuitWord::unpack(slot.load(std::memory_order_relaxed));
  word.generation = static_cast<uint16_t>(old.generation + 1);
  // Release: whoever acts on the word also sees what the prober wrote before it (statistics, listener state).
  slot.store(word.pack(), std::memory_order_release);
}

CircuitWord CircuitTable::load(PeerId peer) const {
  PP_ASSERT(index(peer) < size_);
  return CircuitWord::unpack(entries_[index(peer)].word.load(std::memory_order_acquire));
}

void CircuitTable::stampHeard(PeerId peer, TimePoint now) {
  PP_ASSERT(index(peer) < size_);
  raise(entries_[index(peer)].lastHeard, now);
}

TimePoint CircuitTable::lastHeard(PeerId peer) const {
  PP_ASSERT(index(peer) < size_);
  return TimePoint(Duration(entries_[index(peer)].lastHeard.load(std::memory_order_relaxed)));
}

void CircuitTable::stampKernelHeard(PeerId peer, TimePoint at) {
  PP_ASSERT(index(peer) < size_);
  raise(entries_[index(peer)].lastKernelHeard, at);
}

TimePoint CircuitTable::lastKernelHeard(PeerId peer) const {
  PP_ASSERT(index(peer) < size_);
  return TimePoint(Duration(entries_[index(peer)].lastKernelHeard.load(std::memory_order_relaxed)));
}

void CircuitTable::beat(TimePoint now) { lastBeat_.store(now.time_since_epoch().count(), std::memory_order_relaxed); }

TimePoint CircuitTable::lastBeat() const { return TimePoint(Duration(lastBeat_.load(std::memory_order_relaxed))); }

}  // namespace peerpulse::health
