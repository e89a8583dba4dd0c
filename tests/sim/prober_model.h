// ProberModel: probe/'s shell on virtual time: one loop for the real PeerHealth of every peer, the real
// LocalHealth and CircuitTable, and sockets that are WireModels.
//
//   running   what arrives is fed at once; a Tick comes at nextDeadline()
//   blocked   (SIGSTOP, no CPU) nothing runs; then what arrived is drained first, and only then are Ticks given
//
// A starved loop is blocked now and then for a random time as it wants to run. Its heartbeat is computed, not
// simulated: every kBeat while it is not blocked.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "event_heap.h"
#include "event_log.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/health/local_health.h"
#include "peerpulse/health/peer_health.h"
#include "random.h"
#include "wire_model.h"

namespace peerpulse::sim {

constexpr uint32_t kMaxPeers = 8;

/// Who watches the shell: the checkers, and the workers for what is published.
class ProberObserver {
 public:
  virtual ~ProberObserver() = default;
  virtual void onReport(uint8_t peer, const health::Transition& transition) = 0;
  virtual void onPublish(uint8_t peer, const health::CircuitWord& word) = 0;
  virtual void onConfirm(uint8_t peer, uint32_t connects) = 0;
  /// One more socket was opened: so many are open now.
  virtual void onSockets(uint8_t peer, uint32_t open) = 0;
  /// After each event; `ticked`: it was a Tick.
  virtual void onFed(uint8_t peer, bool ticked) = 0;
};

class ProberModel : public ArrivalSink {
 public:
  ProberModel(EventHeap& heap, EventLog& log, std::array<WireModel, kMaxPeers>& wires)
      : heap_(heap), log_(log), wires_(wires) {}

  void reset(uint32_t peers, const std::array<health::ProbeOptions, kMaxPeers>& options, Random random,
             ProberObserver& observer);

  uint32_t peers() const { return peers_; }
  health::CircuitTable& table() { return *table_; }
  const health::CircuitTable& table() const { return *table_; }
  const health::PeerHealth& health(uint32_t peer) const { return *lanes_[peer].health; }

  /// When its next Tick is due, blocked or not.
  TimePoint nextTimer() const;
  /// The time of nextTimer() has come.
  void runTimers();
  void onLoopFree();

  void arrived(uint8_t peer, const Arrival& arrival) override;

  // Faults.
  void block(Duration d);
  /// Each time it wants to run it is late, in `perMillion` of the cases, by up to `late`.
  void starve(uint32_t perMillion, Duration late);
  /// Connects fail at once with this errno; 0: no longer.
  void failConnects(int error) { connectError_ = error; }

  bool blocked() const { return heap_.now() < blockedUntil_; }
  TimePoint blockedUntil() const { return blockedUntil_; }
  bool starved() const { return starvedPerMillion_ != 0; }
  Duration starvedBy() const { return starvedBy_; }
  bool connectsFail() const { return connectError_ != 0; }
  /// When the loop last came back later than `limit` (T) after it was wanted.
  TimePoint lastLate() const { return lastLate_; }
  health::LocalState localState() const { return local_->state(heap_.now()); }
  TimePoint lastOwnHostSuspect() const { return lastOwnHostSuspect_; }
  /// Stamps the heartbeats due by now.
  void beat();

  uint32_t openSockets(uint32_t peer) const;
  uint64_t ticks(uint32_t peer) const { return lanes_[peer].ticks; }

  static constexpr Duration kBeat = milliseconds(20);

 private:
  struct Fresh {
    uint32_t id = 0;  // 0: free
    health::ConnectPurpose purpose{};
    TimePoint began;
  };
  struct Lane {
    std::optional<health::PeerHealth> health;
    std::array<Fresh, WireModel::kFreshSlots> fresh{};
    uint32_t epoch = 0;  // of the probe connection; 0: none
    bool established = false;
    TimePoint dataHeard, deadline;
    uint64_t ticks = 0;
  };
  struct Queued {
    uint8_t peer;
    Arrival arrival;
  };

  bool delayedNow();
  void handle(uint8_t peer, const Arrival& arrival);
  void readData(uint8_t peer, const Arrival& arrival);
  void feed(uint8_t peer, const health::Event& event);
  void feedOne(uint8_t peer, const health::Event& event);
  void tick(uint8_t peer);
  void run(uint8_t peer, const health::Action& action);
  void startConnect(uint8_t peer, health::ConnectPurpose purpose);
  void note(uint8_t peer, const char* what, int64_t a = 0, int64_t b = 0, const char* t1 = "", const char* t2 = "");

  EventHeap& heap_;
  EventLog& log_;
  std::array<WireModel, kMaxPeers>& wires_;
  ProberObserver* observer_ = nullptr;
  uint32_t peers_ = 0;
  Random random_;
  std::array<Lane, kMaxPeers> lanes_;
  std::optional<health::CircuitTable> table_;
  std::optional<health::LocalHealth> local_;
  Duration interval_{};

  TimePoint blockedUntil_, blockedFrom_, lastLate_, lastOwnHostSuspect_;
  uint32_t starvedPerMillion_ = 0;
  Duration starvedBy_{};
  int connectError_ = 0;
  uint32_t nextAttempt_ = 1;
  std::vector<Queued> queue_;
  std::deque<std::pair<uint8_t, health::Event>> pending_;
  bool feeding_ = false;
};

}  // namespace peerpulse::sim
