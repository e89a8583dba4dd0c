#include "statistics.h"

#include <nlohmann/json.hpp>

namespace peerpulse::erasure_writer {

using nlohmann::json;

int64_t toNanoseconds(TimePoint t) { return std::chrono::duration_cast<nanoseconds>(t.time_since_epoch()).count(); }

Statistics::Statistics(TimePoint start, std::vector<std::string> peers) : start_(start), end_(start), stall_(start) {
  for (std::string& name : peers) {
    peers_.emplace_back();
    peers_.back().name = std::move(name);
  }
}

void Statistics::onRequestDone(size_t peer, int shard, const std::string& object, uint64_t stripe,
                               const ResponseResult& result) {
  Peer& counters = peers_[peer];
  ++counters.requests;
  if (result.ok()) {
    ++chunksOk_;
    counters.latency.record(result.ended - result.started);
    stall_.onProgress(result.ended);
    return;
  }
  ++chunksFailed_;
  ++counters.errors;
  counters.failureLatency.record(result.ended - result.started);
  if (failures_.size() >= kMaxFailures) return;
  failures_.push_back({toNanoseconds(result.ended), toNanoseconds(result.started), peer, shard, stripe, result.status,
                       object, result.reason(), result.proxyStatus});
}

json Statistics::progress(TimePoint now) const {
  return {{"event", "progress"}, {"t_ns", toNanoseconds(now)}, {"bytes", bytes_},
          {"objects", objects_}, {"chunks_ok", chunksOk_},     {"chunks_failed", chunksFailed_}};
}

json Statistics::summary() const {
  const double seconds = toSeconds(end_ - start_);
  return {{"event", "summary"},
          {"start_ns", toNanoseconds(start_)},
          {"end_ns", toNanoseconds(end_)},
          {"seconds", seconds},
          {"objects", objects_},
          {"bytes", bytes_},
          {"mib_per_second", seconds > 0 ? static_cast<double>(bytes_) / seconds / (1024 * 1024) : 0},
          {"chunks_ok", chunksOk_},
          {"chunks_failed", chunksFailed_},
          {"chunks_moved", chunksMoved_},
          {"stripes_reconstructed", stripesReconstructed_},
          {"longest_stall_ms", toMillis(stall_.longest())},
          {"longest_stall_start_ns", toNanoseconds(stall_.longestStart())},
          {"peers", peersJson()},
          {"failures", failuresJson()},
          {"failures_omitted", chunksFailed_ - failures_.size()}};
}

json Statistics::peersJson() const {
  json list = json::array();
  for (const Peer& peer : peers_) {
    list.push_back({{"peer", peer.name},
                    {"requests", peer.requests},
                    {"errors", peer.errors},
                    {"p50_ms", peer.latency.quantileMillis(0.5)},
                    {"p99_ms", peer.latency.quantileMillis(0.99)},
                    {"max_ms", peer.latency.maxMillis()},
                    {"failure_p50_ms", peer.failureLatency.quantileMillis(0.5)},
                    {"failure_p99_ms", peer.failureLatency.quantileMillis(0.99)}});
  }
  return list;
}

json Statistics::failuresJson() const {
  json list = json::array();
  for (const ChunkFailure& failure : failures_) {
    json entry = {{"t_ns", failure.endedNs},  {"start_ns", failure.startedNs}, {"peer", peers_[failure.peer].name},
                  {"shard", failure.shard},   {"object", failure.object},      {"stripe", failure.stripe},
                  {"status", failure.status}, {"reason", failure.reason}};
    if (!failure.proxyStatus.empty()) entry["proxy_status"] = failure.proxyStatus;
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace peerpulse::erasure_writer
