// Guard: brings the verdict `dead` to every socket of this host (design section 12), whoever opened it and whatever it
// speaks. Its thread looks at the circuit table whenever it is woken, decides (GuardPolicy), and acts:
//
//   prober: publish `dead`, wake() --> look: policy --> sockets are destroyed (SocketDestroyer)    0.3 ms, 1,000: 5 ms
//                                                   --> new connects are refused (RefusalTable)     0.1 ms
//                                                   --> sockets that were opened between are destroyed
//
// The sockets first: somebody waits in each of them. Who reconnects before the table refuses has his new socket destroyed.
// It looks at the words of now, never at a message about them: what was a verdict a moment ago and no longer is does no harm.
// While somebody is refused it comes back every RefusalTable::kRenewal to renew that, if the prober has beaten since; while
// somebody is withheld, every kReconsider.
//
// Threading: construct, open(), start() and stop() on one thread; wake() and setAddresses() on any; GuardCallbacks come on the guard's own. The thread may block in the kernel for milliseconds: nobody waits for it but stop().
// Ownership: what Sources refers to outlives it.
// Errors: what cannot be done is reported and counted; nothing ends the process. Where the kernel gives no table, or takes it
//   away, sockets are destroyed all the same, and those that were opened to a peer meanwhile go every RefusalTable::kRenewal.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/result.h"
#include "peerpulse/base/time.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/guard/destruction.h"
#include "peerpulse/guard/options.h"
#include "peerpulse/guard/policy.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/health/local_health.h"
#include "peerpulse/stats/stats.h"

namespace peerpulse::guard {

class RefusalTable;
class SocketDestroyer;
class Witness;

/// `id` is the peer's place in the list given to Guard.
struct GuardPeer {
  PeerId id{};
  /// All that its name leads to; empty: not known yet.
  std::vector<SocketAddress> addresses;
  /// False: only somebody else, who may speak for this host's network.
  bool guarded = true;
  uint16_t port = 0;  ///< where `addresses` is empty
  /// Of its link, which is guarded as well; 0: it has none.
  uint16_t linkPort = 0;
};

struct Sources {
  const health::CircuitTable& table;
  stats::Stats& stats;
  std::function<health::LocalState()> localState;  ///< any thread
};

/// One change of what is done to a peer.
struct GuardChange {
  PeerId peer{};
  Decision from;
  Decision to;
  // Of one that is refused from now on.
  Destruction sockets{};
  Duration took{};  ///< from the look that found it dead
  TimePoint at;
};

class GuardCallbacks {
 public:
  virtual ~GuardCallbacks() = default;
  virtual void onGuard(const GuardChange& change) = 0;
  /// Somebody had changed our table; it is as it was made.
  virtual void onTableRepaired() {}
  /// Nobody is refused, or not for longer than RefusalTable::kTimeout. Said once until it works again.
  virtual void onTableFailed(const Error& error) {}
};

class Guard {
 public:
  Guard(const Options& options, const std::string& node, std::vector<GuardPeer> peers, Sources sources,
        GuardCallbacks& callbacks);
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  /// Asks the kernel for what is needed. An error says what is missing; then nothing is guarded, and start() is not to be
  /// called. That there is no table is none: see tableMissing().
  Result<void> open();
  void start();
  /// Nobody is refused any more when it returns.
  void stop();

  /// Where a peer is from now on, and whether it is guarded there. Any thread, once started.
  void setAddresses(PeerId peer, std::vector<SocketAddress> addresses, bool guarded);
  /// Something may have changed. Costs a write to an eventfd at most.
  void wake();

  /// "peerpulse_node1"; empty if there is none.
  const std::string& tableName() const { return tableName_; }
  /// Why there is none: nobody is refused then.
  const std::string& tableMissing() const { return tableMissing_; }

  static constexpr Duration kReconsider = milliseconds(20);
  static constexpr int kNice = -15;
  /// After the first sockets were destroyed: to those that have woken and wait for the very core that we run on.
  static constexpr Duration kBreath = microseconds(100);

 private:
  void run(const std::function<void()>& onRunning);
  void look();
  void readViews(TimePoint now);
  void lookAtHosts();
  HostView hostView(TimePoint now) const;
  void renewTable(TimePoint now, bool changed);
  void tableFails(const Error& error);
  void follow(size_t peer, TimePoint now);
  void destroyFirst(TimePoint now);
  Destruction destroySockets(size_t peer, TimePoint now, int passes);
  void destroyLeft(size_t peer, TimePoint now, Destruction& done);
  std::vector<uint16_t> portsOf(size_t peer) const;
  void askWitness(TimePoint now);
  void arm(TimePoint now);
  bool any(State state) const;

  const Options options_;
  const std::string node_;
  std::vector<GuardPeer> peers_;
  const std::vector<uint16_t> ports_;  // of all peers; empty: each its own
  const Sources sources_;
  GuardCallbacks& callbacks_;
  std::string tableName_;
  std::string tableMissing_;
  std::atomic<bool> wakePending_{false};

  // On the guard's thread, or before it runs.
  event::Dispatcher dispatcher_;
  GuardPolicy policy_;
  std::unique_ptr<RefusalTable> table_;  // none: tableMissing_
  std::unique_ptr<SocketDestroyer> destroyer_;
  std::unique_ptr<Witness> witness_;
  std::unique_ptr<event::Timer> timer_;
  TimePoint knownSince_;
  std::vector<PeerView> views_;
  std::vector<std::vector<size_t>>
      sharing_;                              // by peer: those at one of its hosts, itself included, whatever the port
  std::vector<Decision> current_;            // by peer: what is done now
  std::vector<Decision> before_;             // by peer: what was, while it changes
  std::vector<Destruction> first_;           // by peer that is refused from now on: what became of those found first
  std::vector<SocketAddress> destinations_;  // scratch
  std::vector<bool> lookAgain_;              // by peer: not all of its sockets are gone, or there may be new ones
  TimePoint renewedAt_;
  TimePoint beatAtRenewal_;
  bool tableFailed_ = false;
  bool moved_ = false;  // addresses changed since the last look

  std::thread thread_;
};

}  // namespace peerpulse::guard
