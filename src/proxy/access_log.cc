#include "access_log.h"

#include <string_view>

#include "peerpulse/log/log.h"
#include "peerpulse/log/request_path.h"
#include "peerpulse/upstream/upload_failure.h"
#include "termination.h"
#include "trace_id.h"

namespace peerpulse::proxy {

namespace {

using upstream::Party;

/// What did not end well, and was not refused by the circuit.
void countFailure(stats::PeerStats& peer, stats::OperationStats& operation, const AccessRecord& record) {
  const Party party = record.clientAborted ? Party::kClient : record.party;
  peer.failed(static_cast<size_t>(party), record.timedOut);
  if (record.timedOut && party == Party::kPeer) operation.timeouts.add();
}

stats::UploadFailure uploadFailure(const AccessRecord& record) {
  const bool aborted = record.clientAborted && !record.fastFailed;
  if (aborted) return stats::UploadFailure::kClientAborted;
  upstream::Failure failure;
  failure.type = record.error;
  failure.party = record.party;
  failure.timedOut = record.timedOut;
  failure.byCircuit = record.fastFailed;
  return upstream::uploadFailureOf(failure);
}

}  // namespace

void AccessRecord::note(const upstream::Failure& failure) {
  error = failure.type;
  party = failure.party;
  detail = failure.detail;
  timedOut = failure.timedOut;
  timer = failure.timer;
  fastFailed = failure.byCircuit;
  shed = failure.shed;
}

void countStarted(stats::Stats& stats, PeerId peer, const AccessRecord& record) {
  stats::PeerStats& peerStats = stats.peer(peer);
  peerStats.inFlight.add();
  peerStats.requestsTotal.add();
  if (record.isUpload) stats.uploads.started();
}

void countFinished(stats::Stats& stats, PeerId peer, size_t route, const AccessRecord& record, WallTime wallNow) {
  stats::PeerStats& peerStats = stats.peer(peer);
  stats::OperationStats& operation = stats.operation(peer, route);
  peerStats.inFlight.sub();
  peerStats.bytesToPeer.add(record.requestBytes);
  peerStats.bytesFromPeer.add(record.responseBytes);
  // What the circuit or a limit of ours refused took no time of the peer's, and would make a dead one look quick.
  const bool limited = record.error == upstream::ErrorType::kConnectionLimitReached;
  if (!record.fastFailed && !limited) operation.duration.observe(record.took);
  if (record.ownAnswer) {
    peerStats.ownResponses.add();
  } else {
    peerStats.answered(record.status);
  }
  if (record.fastFailed) {
    peerStats.fastFailuresTotal.add();
  } else if (record.failed() || record.clientAborted) {
    countFailure(peerStats, operation, record);
    if (record.failed() && record.party != Party::kClient) {
      peerStats.lastError.note(wallNow, info(record.error).name, toString(record.party), record.detail);
    }
  }
  if (!record.isUpload) return;
  const bool answered = !record.failed() && !record.clientAborted;
  if (answered && record.status >= 200 && record.status < 400) {
    stats.uploads.succeeded(record.requestBytes, record.took);
  } else {
    stats.uploads.failed(uploadFailure(record));
  }
}

void logExchange(const std::string& peer, const Route& route, const http::RequestHead& head,
                 const AccessRecord& record, bool showQuery, uint32_t sample) {
  log::Fields fields;
  fields.add("peer", peer)
      .add("operation", route.name)
      .add("class", upstream::toString(route.trafficClass))
      .add("method", head.method)
      .add("path", log::loggedPath(head.path, showQuery))
      .add("protocol", http::toString(head.version))
      .add("status", record.status)
      .add("request_bytes", record.requestBytes)
      .add("response_bytes", record.responseBytes)
      .add("end", terminationCode(record))
      .add("duration_ms", toMillis(record.took));
  if (record.firstByte) fields.add("ttfb_ms", toMillis(*record.firstByte));
  if (record.steps.connect) fields.add("connect_ms", toMillis(*record.steps.connect));
  if (record.steps.wait) fields.add("wait_ms", toMillis(*record.steps.wait));
  if (record.grpcStatus) fields.add("grpc_status", *record.grpcStatus);
  if (const std::string_view id = traceId(head.headers.find("traceparent")); !id.empty()) fields.add("trace_id", id);
  if (record.retries > 0) fields.add("retries", record.retries);
  if (record.failed()) fields.add("error", info(record.error).name);
  if (record.clientAborted) fields.add("client_aborted", true);
  if (record.failed() || record.clientAborted) {
    fields.add("details", record.detail)
        .add("party", toString(record.clientAborted ? Party::kClient : record.party))
        .add("phase", toString(record.phase));
  }
  if (record.timer != upstream::Timer::kNone) fields.add("timer", toString(record.timer));
  if (record.shed) fields.add("shed", true);
  if (sample > 0) fields.add("sample", sample);
  log::write(log::Level::kInfo, "exchange", fields);
}

}  // namespace peerpulse::proxy
