// Redirector: keeps the host's new connects to peers turned to our listener, or refused, for as long as this process can be
// trusted with them. Its thread looks at the circuit table whenever it is woken and every RedirectTable::kRenewal, decides
// (plan.h), and replaces what the table says in one transaction: there is no moment in which a connect goes past us to a host
// that is known to be dead.
//
//   prober: publish, wake() --> look: wayOf() of each peer --> RedirectTable: redirected and refused    0.1 ms
//
// Fails open, as whoever looks after others' connections must: killed, stopped or hanging itself, its elements run out in
// RedirectTable::kTimeout (an owned table goes with the process); a worker's loop or the prober that has not turned for
// kStalled is found at its next look, and the elements are taken away.
//
// Threading: construct, reserve(), open(), start(), release() and stop() on one thread; wake() on any; RedirectorCallbacks come on the
//   redirector's own. The thread may block in the kernel for milliseconds: nobody waits for it but release() and stop().
// Ownership: what Sources refers to outlives it.
// Errors: what cannot be done is reported and counted; nothing ends the process. Where the kernel gives no table, or takes it
//   away, connects go to the peers themselves.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/result.h"
#include "peerpulse/base/time.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/netlink/netlink_socket.h"
#include "peerpulse/stats/stats.h"
#include "peerpulse/transparent/plan.h"

namespace peerpulse::transparent {

class RedirectTable;

struct RedirectedPeer {
  PeerId id{};
  SocketAddress address;  ///< TCP
  bool refuses = false;   ///< on_dead
};

struct RedirectorSources {
  const health::CircuitTable& table;
  stats::Stats& stats;
  /// When the worker whose loop has not turned for longest last did; any thread.
  std::function<TimePoint()> workersBeat;
};

/// Why all connects go to the peers themselves.
enum class Lapse : uint8_t { kNone, kWorkerStalled, kProberStalled, kTableFailed };
/// "", "worker_stalled", "prober_stalled", "table_failed".
const char* toString(Lapse why);

class RedirectorCallbacks {
 public:
  virtual ~RedirectorCallbacks() = default;
  /// From now on for this reason; kNone: that is over.
  virtual void onLapse(Lapse why) = 0;
  /// Somebody had changed our table; it is as it was made.
  virtual void onRedirectTableRepaired() = 0;
  /// Nothing is turned, or not for longer than RedirectTable::kTimeout. Said once until it works again.
  virtual void onRedirectTableFailed(const Error& error) = 0;
};

class Redirector {
 public:
  Redirector(std::string node, uint32_t mark, std::vector<RedirectedPeer> peers, RedirectorSources sources,
             RedirectorCallbacks& callbacks);
  ~Redirector();
  Redirector(const Redirector&) = delete;
  Redirector& operator=(const Redirector&) = delete;

  /// Asks the kernel for what is needed. Before there are listeners: see RedirectTable::make(). An error says what is missing.
  Result<void> reserve();
  /// Makes the table, which turns nobody yet. `listeners`: where connects are to be turned to, one of each family that a peer
  /// has. After reserve(). An error says what is missing; then start() is not to be called.
  Result<void> open(const std::vector<SocketAddress>& listeners);
  /// From now on connects are turned: who accepts them must be there.
  void start();
  /// No new connect is turned or refused when it returns; connections that were turned live on. For good.
  void release();
  /// After release(), when no connection needs it any more: the table goes. Does release() first where nobody has.
  void stop();

  /// Something may have changed. Costs a write to an eventfd at most.
  void wake();

  /// "peerpulse_node1_transparent".
  const std::string& tableName() const { return tableName_; }

  /// A loop that has not turned for so long hangs: more than a busy one needs.
  static constexpr Duration kStalled = seconds(1);
  /// How soon it looks again while one hangs.
  static constexpr Duration kReconsider = milliseconds(50);
  static constexpr int kNice = -15;

 private:
  void run(const std::function<void()>& onRunning);
  void look();
  Lapse lapseAt(TimePoint now) const;
  bool decide(const OwnState& own);
  void renew(TimePoint now);
  void tableFails(const Error& error, TimePoint now);
  void tell(Lapse why);
  void show();

  const std::string node_;
  const uint32_t mark_;
  const std::vector<RedirectedPeer> peers_;
  const RedirectorSources sources_;
  RedirectorCallbacks& callbacks_;
  std::string tableName_;
  std::atomic<bool> wakePending_{false};

  // On the redirector's thread, or before and after it runs.
  event::Dispatcher dispatcher_;
  std::optional<netlink::NetlinkSocket> socket_;  // until there is a table
  std::unique_ptr<RedirectTable> table_;
  std::unique_ptr<event::Timer> timer_;
  std::vector<Way> ways_;                  // by peer: what is wanted, and, unless the table fails, done
  std::vector<SocketAddress> redirected_;  // scratch
  std::vector<SocketAddress> refused_;     // scratch
  TimePoint renewedAt_;                    // with success
  bool renewalFailed_ = false;
  Lapse told_ = Lapse::kNone;

  std::thread thread_;
};

}  // namespace peerpulse::transparent
