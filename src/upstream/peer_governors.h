// PeerGovernors: one worker's governors of one peer, by class, and what the configuration's mode makes of what they say.
//
// Threading: its worker's thread. Limits are this worker's: as those of its pools, they are not shared. Workers that limit
//   the same peer see the same latencies and come to like shares (Governor).
// Ownership: requests hold tickets of these; they end before their peer does.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "governor.h"
#include "peerpulse/upstream/context.h"
#include "peerpulse/upstream/failure.h"
#include "peerpulse/upstream/governor_ticket.h"

namespace peerpulse::upstream {

class PeerGovernors {
 public:
  PeerGovernors(Context& context, PeerId peer) : context_(context), peer_(peer) {}
  ~PeerGovernors();

  /// One more exchange of this class (not stream) must not go. Counted, also where it only would have been refused.
  bool refuses(TrafficClass trafficClass, TimePoint now);
  /// It goes; no ticket if nothing is measured.
  void enter(TrafficClass trafficClass, GovernorTicket& ticket);
  /// What a refused one is told.
  static const Failure& refusal();
  /// The peer is away.
  void reset();
  /// Every second: the gauges; and what a reload has changed.
  void publish();

  /// Null until it was needed; for tests.
  const Governor* find(TrafficClass trafficClass) const;

 private:
  /// What this worker has put into the gauges, which are sums.
  struct Published {
    uint64_t limiting = 0, limit = 0, inFlight = 0, knowing = 0, baselineMicros = 0, latencyMicros = 0;
  };
  struct Entry {
    explicit Entry(const GovernorOptions& options) : governor(options) {}
    Governor governor;
    Published published;
    bool told = false;  // that the peer is slow
  };

  Entry& entry(TrafficClass trafficClass);
  stats::GovernorStats& statsOf(TrafficClass trafficClass) const;
  GovernorReport reportOf(TrafficClass trafficClass, const Entry& entry) const;
  void noteRefused(TrafficClass trafficClass, Entry& entry);
  void noteOver(TrafficClass trafficClass, Entry& entry);
  void publish(TrafficClass trafficClass, Entry& entry, const Published& now) const;

  Context& context_;
  const PeerId peer_;
  std::array<std::unique_ptr<Entry>, stats::kGovernedClasses.size()> entries_;  // made when first used
};

}  // namespace peerpulse::upstream
