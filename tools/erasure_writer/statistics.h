// Statistics: what a run did, for the summary and progress lines. All times are CLOCK_MONOTONIC nanoseconds
// ("..._ns"), so that other programs of this machine can compare them with their own.
//
// Threading: the loop's thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "erasure_writer/client_request.h"
#include "erasure_writer/latency_histogram.h"
#include "erasure_writer/stall_meter.h"

namespace peerpulse::erasure_writer {

/// A shard request that failed. `startedNs` tells those in flight at some moment from those begun after it.
struct ChunkFailure {
  int64_t endedNs = 0;
  int64_t startedNs = 0;
  size_t peer = 0;
  int shard = 0;
  uint64_t stripe = 0;
  int status = 0;
  std::string object;
  std::string reason;
  std::string proxyStatus;
};

class Statistics {
 public:
  Statistics(TimePoint start, std::vector<std::string> peers);

  void onRequestDone(size_t peer, int shard, const std::string& object, uint64_t stripe,
                     const ResponseResult& result);
  /// A whole stripe reached its quorum (write) or was decoded (read).
  void onStripeDone(uint64_t dataBytes) { bytes_ += dataBytes; }
  /// Read: data shards had to be computed from parity.
  void onStripeReconstructed() { ++stripesReconstructed_; }
  /// Write: by the fan-out API, to another disk than the shard's.
  void onChunkMoved() { ++chunksMoved_; }
  void onObjectDone() { ++objects_; }
  void finish(TimePoint end) { stall_.onProgress(end_ = end); }

  uint64_t chunksFailed() const { return chunksFailed_; }
  /// {"event":"progress","t_ns","bytes","objects","chunks_ok","chunks_failed"}.
  nlohmann::json progress(TimePoint now) const;
  /// Everything, after finish(): "seconds", "longest_stall_ms", "peers", "failures", ...
  nlohmann::json summary() const;

 private:
  static constexpr size_t kMaxFailures = 4096;

  struct Peer {
    std::string name;
    uint64_t requests = 0;
    uint64_t errors = 0;
    LatencyHistogram latency;         // of requests answered 2xx
    LatencyHistogram failureLatency;  // of the others
  };

  nlohmann::json peersJson() const;
  nlohmann::json failuresJson() const;

  TimePoint start_;
  TimePoint end_;
  StallMeter stall_;
  std::vector<Peer> peers_;
  std::vector<ChunkFailure> failures_;  // the first kMaxFailures
  uint64_t bytes_ = 0;
  uint64_t objects_ = 0;
  uint64_t stripesReconstructed_ = 0;
  uint64_t chunksOk_ = 0;
  uint64_t chunksFailed_ = 0;
  uint64_t chunksMoved_ = 0;
};

int64_t toNanoseconds(TimePoint t);

}  // namespace peerpulse::erasure_writer
