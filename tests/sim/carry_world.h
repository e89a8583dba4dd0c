// CarryWorld: the carrying half of a World: peerpulse's real workers (OwnHost) between scripted local clients and scripted
// storage processes, over a network in memory. What befalls the peers' hosts and paths is told to both halves alike; the
// real circuit table is the one the world's prober writes.
//
// Threading: one thread. Made anew for each seed.
#pragma once

#include <array>
#include <cstdio>
#include <memory>
#include <vector>

#include "body_pattern.h"
#include "carry_rules.h"
#include "carry_setup.h"
#include "event_heap.h"
#include "fanout_caller.h"
#include "fanout_rules.h"
#include "local_client.h"
#include "memory_network.h"
#include "operation_ledger.h"
#include "own_host.h"
#include "prober_model.h"
#include "request_ledger.h"
#include "storage_peer.h"
#include "virtual_time.h"

namespace peerpulse::sim {

struct WorldSetup;

class CarryWorld : health::OutcomeSink {
 public:
  CarryWorld(EventHeap& heap, ProberModel& prober, std::array<WireModel, kMaxPeers>& wires, const WorldSetup& setup,
             EventLog& log, const BodyPattern& pattern, Random random, CarryWatcher& watcher);
  ~CarryWorld() override;

  /// When anything of this half happens next.
  TimePoint nextEvent() { return time_.nextEvent(); }
  /// Does it. The heap's time is that moment.
  void step();
  /// Nothing happens here until `to`.
  void advanceTo(TimePoint to) { time_.advanceTo(to); }

  /// The prober has published a word.
  void onTransition(uint8_t peer, TimePoint at);

  // Faults.
  void powerOff(uint8_t peer);
  void powerOn(uint8_t peer);
  void kill(uint8_t peer);
  void serve(uint8_t peer) { peers_[peer]->start(); }
  void stop(uint8_t peer) { peers_[peer]->stop(); }
  void resume(uint8_t peer) { peers_[peer]->resume(); }
  void fillAcceptQueue(uint8_t peer, bool full) { peers_[peer]->fillAcceptQueue(full); }
  void closeConnections(uint8_t peer) { peers_[peer]->closeConnections(); }
  void forgetConnections(uint8_t peer) { network_.forget(own_, hosts_[peer]); }
  void fail(uint8_t peer, bool on) { peers_[peer]->fail(on); }
  /// The path's model has changed.
  void followPath(uint8_t peer);
  void block(Duration d);
  void failConnects(int error) { network_.failConnects(own_, error); }

  // The end.
  void stopClients();
  /// All requests have ended.
  bool quiet() const;
  void cutOffClients();
  void drain() { host_->drain(); }

  /// Who is there now, for the one who has to understand a violation.
  void describe(FILE* to);

  CarryRules& rules() { return *rules_; }
  RequestLedger& ledger() { return ledger_; }
  OwnHost& ownHost() { return *host_; }
  // Where the fan-out API is called.
  OperationLedger& operations() { return *operations_; }
  FanoutRules* fanoutRules() { return fanoutRules_.get(); }
  test::MemoryNetwork& network() { return network_; }
  test::HostId hostOf(uint8_t peer) const { return hosts_[peer]; }
  stats::Stats& stats() { return stats_; }

 private:
  void record(const health::OutcomeRecord& record) override;
  void addPeers(const WorldSetup& setup, Random& random);
  void addClients(const WorldSetup& setup, Random& random);
  void addCallers(const CarrySetup& setup, Random& random);
  proxy::ProxyOptions optionsOf(const WorldSetup& setup) const;

  EventHeap& heap_;
  EventLog& log_;
  ProberModel& prober_;
  std::array<WireModel, kMaxPeers>& wires_;
  const uint32_t count_;
  const BodyPattern& pattern_;
  CarryWatcher& watcher_;
  test::VirtualTime time_;
  test::MemoryNetwork network_;
  test::HostId own_, applications_;
  std::array<test::HostId, kMaxCarryingPeers> hosts_{};
  RequestLedger ledger_;
  health::TrialPermits trials_;
  stats::Stats stats_;
  std::vector<std::unique_ptr<StoragePeer>> peers_;
  std::unique_ptr<OwnHost> host_;
  std::unique_ptr<CarryRules> rules_;
  ClientHost clientHost_;
  std::vector<std::unique_ptr<DirectCaller>> direct_;
  std::vector<std::unique_ptr<LocalClient>> clients_;
  const FanoutSetup fanout_;
  std::unique_ptr<OperationLedger> operations_;
  std::unique_ptr<FanoutRules> fanoutRules_;
  std::vector<std::unique_ptr<FanoutCaller>> callers_;
};

}  // namespace peerpulse::sim
