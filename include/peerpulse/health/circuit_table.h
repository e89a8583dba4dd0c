// CircuitTable: what every worker knows about every peer, in one padded atomic word per peer.
//
// Thread safety: one writer, the prober thread, publishes with release; any thread loads with acquire. Nothing
//   blocks. adopt() and retire() are the configuration's (one thread), while the prober does not publish that peer. The two `lastHeard` stamps go the other way: workers store (relaxed; a late stamp only delays
//   evidence), the prober loads.
// Invariants:
//   (1) a word is whole: verdict, circuit, reason, since and generation belong to one moment;
//   (2) a peer's generation grows by one with every publish, so a reader can tell an old word from a new one;
//   (3) beat() is called by the prober at least every 100 ms; a reader that finds the last beat older than 1 s
//       must not trust an open circuit (fail open);
//   (4) the words never move: there is one for each slot of a PeerId. Whoever asks with an id of an earlier epoch of its
//       slot is told that the peer is removed, whatever its successor's word says: the epoch is stored before the
//       successor's first word, so who sees that word sees the new epoch too.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/time.h"
#include "peerpulse/health/peer_protocol.h"
#include "peerpulse/health/verdict.h"

namespace peerpulse::health {

/// What one word says.
struct CircuitWord {
  Verdict verdict = Verdict::kUnknown;
  CircuitState circuit = CircuitState::kClosed;
  Reason reason = Reason::kStartup;
  /// Forced by an operator: probes and outcomes do not change the circuit until it is lifted.
  bool overridden = false;
  uint16_t generation = 0;  ///< wraps
  /// Milliseconds of the monotonic clock, modulo 2^32, when the circuit or the verdict last changed.
  uint32_t sinceMillis = 0;

  uint64_t pack() const;
  static CircuitWord unpack(uint64_t bits);
};

class CircuitTable {
 public:
  explicit CircuitTable(uint32_t slots = kMaxPeers);

  uint32_t size() const { return size_; }

  /// The slot belongs to this peer from now on, and begins anew.
  void adopt(PeerId peer);
  /// The peer is gone: its id reads as removed until the slot is adopted again.
  void retire(PeerId peer);

  /// Prober thread only. Fills in the generation.
  void publish(PeerId peer, CircuitWord word);
  CircuitWord load(PeerId peer) const;

  /// Prober thread only.
  void publishProtocol(PeerId peer, PeerProtocol protocol);
  PeerProtocol protocol(PeerId peer) const;

  /// Prober thread only: the peer's process owes its probes an answer for longer than it ever takes, whatever its kernel
  /// says. It may come yet: that is no verdict.
  void publishOwing(PeerId peer, bool owing);
  bool owing(PeerId peer) const;

  /// Prober thread only: a peer that is reached by a link if there is one has none, and is reached directly meanwhile.
  void publishDirect(PeerId peer, bool direct);
  bool direct(PeerId peer) const;

  /// Workers: bytes arrived from the peer at `now`. The youngest stamp stays.
  void stampHeard(PeerId peer, TimePoint now);
  /// The latest stamp; TimePoint() when there was none.
  TimePoint lastHeard(PeerId peer) const;
  /// Workers: the peer's kernel acknowledged something on a data connection at `at` (TCP_INFO). Its process
  /// need not have: bytes that it sent are stampHeard()'s.
  void stampKernelHeard(PeerId peer, TimePoint at);
  TimePoint lastKernelHeard(PeerId peer) const;

  /// Prober thread: still running.
  void beat(TimePoint now);
  TimePoint lastBeat() const;
  /// No beat for this long: the prober is stopped and its verdicts are stale.
  static constexpr seconds kBeatTimeout{1};
  bool proberStalled(TimePoint now) const { return now - lastBeat() > kBeatTimeout; }

 private:
  // NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): a cache line per kind of writer
  struct alignas(64) Entry {
    std::atomic<uint64_t> word{0};
    std::atomic<uint16_t> epoch{0};
    std::atomic<PeerProtocol> protocol{PeerProtocol::kUnknown};
    std::atomic<bool> owing{false};
    std::atomic<bool> direct{false};
    // On its own line: workers store it all the time, and must not slow the readers of `word`.
    alignas(64) std::atomic<int64_t> lastHeard{0};
    std::atomic<int64_t> lastKernelHeard{0};
  };
  static_assert(std::atomic<uint64_t>::is_always_lock_free);

  Entry& entry(PeerId peer);
  const Entry& entry(PeerId peer) const;

  uint32_t size_;
  std::unique_ptr<Entry[]> entries_;
  std::atomic<int64_t> lastBeat_{0};
};

}  // namespace peerpulse::health
