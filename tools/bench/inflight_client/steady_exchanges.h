// SteadyExchanges: small exchanges at a fixed rate whatever the answers take (an open loop), over a few
// keepalive connections. An exchange's time counts from when it was due, also while all connections are
// busy; the client's own lateness in noticing that is not counted.
//
// Threading: the loop's thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "client_loop.h"
#include "erasure_writer/peer_client.h"

namespace peerpulse::bench {

class SteadyExchanges {
 public:
  struct Options {
    SocketAddress target;
    std::string path = "/ok";
    erasure_writer::Protocol protocol = erasure_writer::Protocol::kHttp1;
    size_t connections = 4;
    uint32_t perSecond = 2000;
    Duration timeout = seconds(10);
  };

  SteadyExchanges(ClientLoop& loop, const Options& options);
  ~SteadyExchanges();

  void start();
  /// No new ones; the loop's run() returns when those under way have ended.
  void stop();

  /// {"event":"ended","samples":[[started_ns,duration_ns],...],"errors":{"text":N}}.
  nlohmann::json report() const;

 private:
  struct Sample {
    int64_t startedNanos;
    int64_t durationNanos;
  };
  // Ten minutes at the highest rate.
  static constexpr size_t kMaxSamples = 30'000'000;

  void submitDue();
  void submitOne();
  void onEnded(erasure_writer::ClientRequest& request);

  ClientLoop& loop_;
  const Options options_;
  const Duration interval_;
  TimePoint due_;
  std::unique_ptr<event::Timer> timer_;
  erasure_writer::PeerClient client_;
  std::unordered_map<erasure_writer::ClientRequest*, std::unique_ptr<erasure_writer::ClientRequest>> underWay_;
  std::vector<Sample> samples_;
  std::map<std::string, uint64_t> errors_;
  bool stopping_ = false;
};

}  // namespace peerpulse::bench
