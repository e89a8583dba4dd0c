#include "peerpulse/stats/upload_stats.h"

#include "peerpulse/base/assert.h"

namespace peerpulse::stats {

namespace {

constexpr uint64_t kMiB = 1024 * 1024;

struct SizeBucket {
  uint64_t below;
  const char* name;
};
constexpr std::array<SizeBucket, kUploadSizes> kSizes = {{{64 * 1024, "0_64kb"},
                                                          {kMiB, "64kb_1mb"},
                                                          {10 * kMiB, "1mb_10mb"},
                                                          {100 * kMiB, "10mb_100mb"},
                                                          {1024 * kMiB, "100mb_1gb"},
                                                          {UINT64_MAX, "1gb_up"}}};

}  // namespace

const char* toString(UploadFailure reason) {
  switch (reason) {
    case UploadFailure::kPeerTimeout: return "peer_timeout";
    case UploadFailure::kCircuitOpen: return "circuit_open";
    case UploadFailure::kConnectFailed: return "connect_failed";
    case UploadFailure::kPeerReset: return "peer_reset";
    case UploadFailure::kPeerError: return "peer_error";
    case UploadFailure::kClientAborted: return "client_aborted";
    case UploadFailure::kLocalLimit: return "local_limit";
    case UploadFailure::kOther: return "other";
  }
  return "other";
}

size_t uploadSizeBucket(uint64_t bytes) {
  size_t bucket = 0;
  while (bucket + 1 < kUploadSizes && bytes >= kSizes[bucket].below)
    ++bucket;
  return bucket;
}

const char* uploadSizeName(size_t bucket) {
  PP_ASSERT(bucket < kUploadSizes);
  return kSizes[bucket].name;
}

void UploadStats::succeeded(uint64_t bytes, Duration took) {
  inProgress.sub();
  success.add();
  duration[uploadSizeBucket(bytes)].observe(took);
}

void UploadStats::failed(UploadFailure reason) {
  inProgress.sub();
  failures[static_cast<size_t>(reason)].add();
}

}  // namespace peerpulse::stats
