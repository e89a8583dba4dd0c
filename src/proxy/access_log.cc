#include "access_log.h"

#include <string_view>

#include "peerpulse/log/log.h"
#include "peerpulse/upstream/upload_failure.h"

namespace peerpulse::proxy {

namespace {

using upstream::Party;

constexpr size_t kMaxLoggedPath = 512;

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
  fastFailed = failure.byCircuit;
  shed = failure.shed;
}

void countStarted(stats::Stats& stats, PeerId peer, const AccessRecord& record) {
  stats::PeerStats& peerStats = stats.peer(peer);
  peerStats.inFlight.add();
  peerStats.requestsTotal.add();
  if (record.isUpload) stats.uploads.started();
}

void countFinished(stats::Stats& stats, PeerId peer, size_t route, const AccessRecord& record) {
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
                 const AccessRecord& record) {
  log::Fields fields;
  fields.add("peer", peer)
      .add("operation", route.name)
      .add("class", upstream::toString(route.trafficClass))
      .add("method", head.method)
      .add("path", std::string_view(head.path).substr(0, kMaxLoggedPath))
      .add("protocol", http::toString(head.version))
      .add("status", record.status)
      .add("request_bytes", record.requestBytes)
      .add("response_bytes", record.responseBytes)
      .add("duration_ms", toMillis(record.took));
  if (record.retries > 0) fields.add("retries", record.retries);
  if (record.failed()) {
    fields.add("error", info(record.error).name).add("details", record.detail).add("party", toString(record.party));
  }
  if (record.shed) fields.add("shed", true);
  if (record.clientAborted) fields.add("client_aborted", true);
  log::write(log::Level::kInfo, "exchange", fields);
}

}  // namespace peerpulse::proxy
