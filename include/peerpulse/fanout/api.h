// Api: one worker's share of the fan-out API (design section 6): the connections of local programs to api.listen, and the
// operations that they began. One request of theirs becomes one upstream::Request to each peer.
//
//   ApiConnection --> ApiExchange --begins--> Run --owns N--> Leg --> upstream::Request
//
// Threading: its worker's thread; Budget and Stats are shared, and say how.
// Ownership: owns connections and runs. A run that has answered its caller goes on without him.
// Bounds: kMaxConnections; operations and memory: Budget.
#pragma once

#include <list>
#include <memory>
#include <string_view>

#include "peerpulse/event/scheduler.h"
#include "peerpulse/fanout/budget.h"
#include "peerpulse/fanout/options.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/net/transport.h"
#include "peerpulse/upstream/context.h"
#include "peerpulse/upstream/peer_set.h"
#include "peerpulse/upstream/peers.h"
#include "peerpulse/wire/io_context.h"

namespace peerpulse::fanout {

class ApiConnection;
class Run;

/// What it works with; all of it outlives the Api.
struct Environment {
  event::Scheduler& scheduler;
  wire::IoContext& io;
  const http::CodecLimits& limits;  ///< of callers' connections
  upstream::Context& upstream;
  upstream::Peers& peers;
  upstream::PeerSetRef peerSet;
  const Options& options;
  Budget& budget;
  std::string_view pseudonym;  ///< of Via; empty: nothing
};

class Api {
 public:
  static constexpr size_t kMaxConnections = 1024;
  static constexpr seconds kIdleTimeout{60};
  static constexpr seconds kHeadTimeout{5};
  /// A caller that owes us a body's next byte, or takes nothing of its answer, for so long holds nothing up any more.
  static constexpr seconds kCallerTimeout{60};

  explicit Api(Environment environment);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  /// A client has connected.
  void accept(std::unique_ptr<net::Transport> transport);
  /// Ends idle connections, and the others after their requests. What is in the background goes on.
  void drain();
  bool drained() const { return connections_.empty() && runs_.empty(); }
  /// What is left after the drain timeout: cut off, and logged where nobody else will hear of it.
  void abortAll();
  /// Every second.
  void sweep();

  // For ApiConnection, ApiExchange and Run.
  const Environment& environment() const { return environment_; }
  TimePoint now() const { return environment_.scheduler.now(); }
  /// What clients' timers count in.
  TimePoint loopTime() const { return environment_.upstream.deadlineNow(); }
  const http::CodecLimits& limits() const { return environment_.limits; }
  Run& begin(std::unique_ptr<Run> run);
  void remove(Run& run);
  void remove(ApiConnection& connection);

 private:
  const Environment environment_;
  std::list<std::unique_ptr<Run>> runs_;
  std::list<std::unique_ptr<ApiConnection>> connections_;
};

}  // namespace peerpulse::fanout
