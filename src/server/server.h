// Server: the whole process: listeners, prober, workers, admin, and the order in which they start and end.
//
//   start: bind everything -> guard's rights -> workers -> prober, guard -> admin -> connects are turned here -> READY
//   SIGTERM/SIGINT: connects are turned here no more, stop accepting, let exchanges finish up to drain_timeout, tunnels up to drain_tunnels
//     -> workers -> prober, guard -> admin -> 0
//   a second one: the same without waiting
//   SIGUSR1: the log file is opened anew;  SIGHUP, SIGUSR2: logged, and nothing else
//
// Threading: the main thread's; what ProberCallbacks names comes from the prober's, and does only what must be at once:
//   the peer's gate, the wake-up of the guard and the workers. What people read of it is the Reporter's. What
//   GuardCallbacks names comes from the guard's, and is posted to the main one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "descriptor_watch.h"
#include "drain_record.h"
#include "listener_gates.h"
#include "memory_return.h"
#include "memory_watch.h"
#include "peer_names.h"
#include "peerpulse/admin/event_log.h"
#include "peerpulse/admin/server.h"
#include "peerpulse/config/config.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/guard/guard.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/health/trial_permits.h"
#include "peerpulse/hooks/hook_runner.h"
#include "peerpulse/probe/prober.h"
#include "peerpulse/proxy/snapshot.h"
#include "peerpulse/proxy/worker_context.h"
#include "peerpulse/stats/stats.h"
#include "peerpulse/upstream/loop_watch.h"
#include "reporter.h"
#include "signals.h"
#include "tls_files.h"
#include "transition_hook.h"
#include "transparent_mode.h"
#include "worker.h"

namespace peerpulse::server {

class Server : public probe::ProberCallbacks, public guard::GuardCallbacks {
 public:
  explicit Server(config::Config config);
  ~Server() override;

  /// Runs until a signal has ended everything. An error means it could not start.
  Result<void> run();

 private:
  Result<void> start();
  void openGuard();
  /// Of the sockets to peers.
  uint32_t mark() const;
  /// Of that whose loop has not turned for longest.
  TimePoint workersBeat() const;
  admin::GuardView guardView() const;
  void startWorkers();
  void makeNames();
  std::optional<admin::NameView> nameView(PeerId peer) const;
  void onAddresses(PeerId peer, const AddressSetRef& addresses);
  void onNoAddress(PeerId peer, dns::Status status, const std::string& name);
  Result<void> openApi();
  Result<void> startAdmin();
  admin::Sources adminSources();
  std::vector<stats::OwnLimit> limits() const;
  void startHook();
  void onTransition(const health::Transition& transition) override;
  void onOwing(PeerId peer) override;
  void onLink(const health::LinkChange& change) override;
  void onReturned() override;
  void onDegrading(const health::Degrading& warning) override;
  void onRungs(const health::RungChange& change) override;
  void onLocalHealth(health::LocalState from, health::LocalState to, const health::LocalEvidence& evidence) override;
  void onGuard(const guard::GuardChange& change) override;
  void onTableRepaired() override;
  void onTableFailed(const Error& error) override;
  void onSignal(int signal);
  void reopenLog();
  void watchProber();
  void followGates(TimePoint now);
  void beginDrain();
  void noteDrain();
  void readLastDrain();
  void recordDrain();
  void writeDrain(const DrainEnd& end);
  uint64_t inFlight() const;
  void onDrainTimer();
  void stopAll();

  const config::Config config_;
  const std::string pseudonym_;
  const std::string storePseudonym_;
  event::Dispatcher dispatcher_;
  net::DescriptorShares descriptors_;
  DescriptorWatch descriptorWatch_{descriptors_};
  health::CircuitTable table_;
  health::TrialPermits trials_;
  stats::Stats stats_;
  proxy::MemoryLimit memory_;
  admin::EventLog events_;
  TlsFiles tlsFiles_;
  proxy::SnapshotRef snapshot_;  // of now
  ListenerGates gates_;
  fanout::Budget apiBudget_;
  std::unique_ptr<net::ListenSocket> apiSocket_;  // null: there is no API
  std::unique_ptr<hooks::HookRunner> hookRunner_;
  std::unique_ptr<TransitionHook> hook_;
  std::unique_ptr<Reporter> reporter_;  // before the prober, whose thread reports
  std::unique_ptr<guard::Guard>
      guard_;  // null: nobody is to be guarded, or it may not; before the prober, which wakes it
  std::string guardMissing_;
  TransparentMode transparent_;  // before the prober, which wakes it
  std::unique_ptr<probe::Prober> prober_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<PeerNames> names_;
  std::unique_ptr<Signals> signals_;
  std::unique_ptr<admin::Server> admin_;
  std::unique_ptr<event::Timer> proberWatch_;
  TimePoint watchedAt_;
  upstream::LoopTime loopTime_;  // what the drain's time counts in: who was stopped must not cut what could not end
  std::optional<upstream::LoopWatch> loopWatch_;
  std::optional<MemoryReturn> memoryReturn_;
  std::optional<MemoryWatch> memoryWatch_;
  std::unique_ptr<event::Timer> drainTimer_;
  TimePoint drainUntil_;
  const DrainRecord drainRecord_;
  bool draining_ = false;
  bool proberStalled_ = false;
  size_t workersDraining_ = 0;
};

}  // namespace peerpulse::server
