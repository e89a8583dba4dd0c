// TransparentMode: what the process has for peers that clients call by their real addresses: the listener that all of them
// share, whose client is whose (Destinations), and the host's connects turned to it (Redirector).
//
//   start: open() -> workers, prober, admin -> start()      who is turned here must be served
//   end:   drain(): connects go to the peers again, who is here already goes on -> workers -> stop()
//
// Threading: the main thread's; wake() of any. The redirector's thread writes log lines.
// Ownership: owns the listening sockets; workers must be gone before it.
// Errors: a listener that cannot be bound ends the start. A table that cannot be made is said in the log, in missing() and by
//   /readyz: connects go to the peers themselves then, as without peerpulse.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "peerpulse/admin/server.h"
#include "peerpulse/config/config.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/net/listener.h"
#include "peerpulse/stats/stats.h"
#include "peerpulse/transparent/destinations.h"
#include "peerpulse/transparent/redirector.h"

namespace peerpulse::server {

/// As the workers share it; all of it outlives them.
struct SharedTransparent {
  std::vector<net::ListenSocket*> sockets;
  const transparent::Destinations* destinations = nullptr;
};

class TransparentMode : private transparent::RedirectorCallbacks {
 public:
  /// All of these outlive it.
  TransparentMode(const config::Config& config, const health::CircuitTable& table, stats::Stats& stats)
      : config_(config), table_(table), stats_(stats) {}
  ~TransparentMode() override { stop(); }
  TransparentMode(const TransparentMode&) = delete;
  TransparentMode& operator=(const TransparentMode&) = delete;

  /// Listeners, and the table if it can be had. `workersBeat`: as transparent::RedirectorSources has it; asked from start() to
  /// drain().
  Result<void> open(std::function<TimePoint()> workersBeat);
  void start();
  void drain();
  void stop();

  /// A peer's circuit may have changed.
  void wake() {
    if (redirector_) redirector_->wake();
  }

  /// Connects are, or will be, turned: our own sockets to peers must carry the mark.
  bool active() const { return redirector_ != nullptr; }
  SharedTransparent shared() const;
  admin::TransparentView view() const;
  /// For /readyz; empty: nothing is missing.
  const std::string& missing() const { return missing_; }

 private:
  void makeRedirector(std::function<TimePoint()> workersBeat);
  Result<void> openListeners();
  void openTable();
  void isMissing(const Error& error);
  void onLapse(transparent::Lapse why) override;
  void onRedirectTableRepaired() override;
  void onRedirectTableFailed(const Error& error) override;

  const config::Config& config_;
  const health::CircuitTable& table_;
  stats::Stats& stats_;
  std::vector<std::unique_ptr<net::ListenSocket>> sockets_;
  transparent::Destinations destinations_;
  std::unique_ptr<transparent::Redirector> redirector_;  // null: not used, or it may not
  std::string missing_;
};

}  // namespace peerpulse::server
