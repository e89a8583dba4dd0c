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

/// What somebody is told who asks for a peer that is gone: nothing flows.
CircuitWord removedWord() {
  CircuitWord word;
  word.circuit = CircuitState::kOpen;
  word.reason = Reason::kRemoved;
  word.overridden = true;  // whatever the prober does
  return word;
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

CircuitTable::CircuitTable(uint32_t slots) : size_(slots), entries_(std::make_unique<Entry[]>(slots)) {
  for (uint32_t i = 0; i < size_; ++i) {
    entries_[i].word.store(CircuitWord{}.pack(), std::memory_order_relaxed);
  }
}

CircuitTable::Entry& CircuitTable::entry(PeerId peer) {
  PP_ASSERT(slot(peer) < size_);
  return entries_[slot(peer)];
}

const CircuitTable::Entry& CircuitTable::entry(PeerId peer) const {
  PP_ASSERT(slot(peer) < size_);
  return entries_[slot(peer)];
}

void CircuitTable::adopt(PeerId peer) {
  Entry& e = entry(peer);
  const CircuitWord old = CircuitWord::unpack(e.word.load(std::memory_order_relaxed));
  CircuitWord first;
  first.generation = static_cast<uint16_t>(old.generation + 1);  // what was admitted under the old one is discarded
  e.epoch.store(epoch(peer), std::memory_order_relaxed);
  e.protocol.store(PeerProtocol::kUnknown, std::memory_order_relaxed);
  e.owing.store(false, std::memory_order_relaxed);
  e.direct.store(false, std::memory_order_relaxed);
  e.lastHeard.store(0, std::memory_order_relaxed);
  e.lastKernelHeard.store(0, std::memory_order_relaxed);
  e.word.store(first.pack(), std::memory_order_release);
}

void CircuitTable::retire(PeerId peer) {
  Entry& e = entry(peer);
  PP_ASSERT(e.epoch.load(std::memory_order_relaxed) == epoch(peer));
  CircuitWord gone = removedWord();
  gone.generation = static_cast<uint16_t>(load(peer).generation + 1);
  e.owing.store(false, std::memory_order_relaxed);
  e.word.store(gone.pack(), std::memory_order_release);
}

void CircuitTable::publish(PeerId peer, CircuitWord word) {
  std::atomic<uint64_t>& published = entry(peer).word;
  // Only this thread writes, so its own last store is what it reads.
  const CircuitWord old = CircuitWord::unpack(published.load(std::memory_order_relaxed));
  word.generation = static_cast<uint16_t>(old.generation + 1);
  // Release: whoever acts on the word also sees what the prober wrote before it (statistics, listener state).
  published.store(word.pack(), std::memory_order_release);
}

CircuitWord CircuitTable::load(PeerId peer) const {
  const Entry& e = entry(peer);
  const CircuitWord word = CircuitWord::unpack(e.word.load(std::memory_order_acquire));
  return e.epoch.load(std::memory_order_relaxed) == epoch(peer) ? word : removedWord();
}

void CircuitTable::publishProtocol(PeerId peer, PeerProtocol protocol) {
  entry(peer).protocol.store(protocol, std::memory_order_relaxed);
}

PeerProtocol CircuitTable::protocol(PeerId peer) const {
  return entry(peer).protocol.load(std::memory_order_relaxed);
}

void CircuitTable::publishOwing(PeerId peer, bool owing) {
  entry(peer).owing.store(owing, std::memory_order_relaxed);
}

bool CircuitTable::owing(PeerId peer) const { return entry(peer).owing.load(std::memory_order_relaxed); }

void CircuitTable::publishDirect(PeerId peer, bool direct) {
  entry(peer).direct.store(direct, std::memory_order_release);
}

bool CircuitTable::direct(PeerId peer) const { return entry(peer).direct.load(std::memory_order_acquire); }

void CircuitTable::stampHeard(PeerId peer, TimePoint now) { raise(entry(peer).lastHeard, now); }

TimePoint CircuitTable::lastHeard(PeerId peer) const {
  return TimePoint(Duration(entry(peer).lastHeard.load(std::memory_order_relaxed)));
}

void CircuitTable::stampKernelHeard(PeerId peer, TimePoint at) { raise(entry(peer).lastKernelHeard, at); }

TimePoint CircuitTable::lastKernelHeard(PeerId peer) const {
  return TimePoint(Duration(entry(peer).lastKernelHeard.load(std::memory_order_relaxed)));
}

void CircuitTable::beat(TimePoint now) { lastBeat_.store(now.time_since_epoch().count(), std::memory_order_relaxed); }

TimePoint CircuitTable::lastBeat() const { return TimePoint(Duration(lastBeat_.load(std::memory_order_relaxed))); }

}  // namespace peerpulse::health
