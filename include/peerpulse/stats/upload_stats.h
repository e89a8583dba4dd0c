// UploadStats: how uploads fare. An upload is an exchange of class bulk whose method is PUT or POST, or a chunk's write by the
// fan-out API, however many disks it tried.
//
// Threading: as PeerStats: any thread adds, relaxed.
// Use: started() once, then exactly one of succeeded(), failed().
#pragma once

#include <array>
#include <cstdint>

#include "peerpulse/stats/histogram.h"
#include "peerpulse/stats/peer_stats.h"

namespace peerpulse::stats {

/// Why an upload failed: the `reason` label.
enum class UploadFailure : uint8_t {
  kPeerTimeout,    ///< a timeout, stall or chunk deadline of ours
  kCircuitOpen,    ///< refused or failed by the circuit
  kConnectFailed,  ///< no connection to the peer
  kPeerReset,      ///< the peer ended the connection or stream before its answer was complete
  kPeerError,      ///< the peer answered 4xx or 5xx
  kClientAborted,  ///< the downstream side went away
  kLocalLimit,     ///< a limit of ours (connections, pending work)
  kOther,
};
inline constexpr size_t kUploadFailures = 8;
/// "peer_timeout", "circuit_open", ...
const char* toString(UploadFailure reason);

/// Size buckets of uploads: the `size_bucket` label. 1 kb is 1,024 bytes; the lower bound is inclusive.
inline constexpr size_t kUploadSizes = 6;
size_t uploadSizeBucket(uint64_t bytes);
/// "0_64kb", "64kb_1mb", "1mb_10mb", "10mb_100mb", "100mb_1gb", "1gb_up". Requires bucket < kUploadSizes.
const char* uploadSizeName(size_t bucket);

inline constexpr std::array<double, 14> kUploadBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                         1,     2.5,  5,     10,   30,  60,   300};

struct UploadStats {
  Value inProgress;
  Value success;
  std::array<Value, kUploadFailures> failures;

  struct Durations : Histogram {
    Durations() : Histogram(kUploadBounds) {}
  };
  std::array<Durations, kUploadSizes> duration;  ///< of successful uploads, by size bucket

  void started() { inProgress.add(); }
  /// `bytes` of body went to the peer within `took`, and it answered 2xx or 3xx.
  void succeeded(uint64_t bytes, Duration took);
  void failed(UploadFailure reason);
};

}  // namespace peerpulse::stats
