#include "access_log.h"

#include "peerpulse/log/log.h"

namespace peerpulse::proxy {

namespace {

constexpr size_t kMaxLoggedPath = 512;

stats::UploadFailure uploadFailure(const AccessRecord& record) {
  using stats::UploadFailure;
  if (record.fastFailed) return UploadFailure::kCircuitOpen;
  if (record.clientAborted) return UploadFailure::kClientAborted;
  if (record.timedOut) return UploadFailure::kPeerTimeout;
  switch (record.error) {
    case ProxyError::kConnectionRefused:
    case ProxyError::kDestinationUnroutable:
    case ProxyError::kConnectionTimeout: return UploadFailure::kConnectFailed;
    case ProxyError::kConnectionTerminated:
    case ProxyError::kHttpResponseIncomplete: return UploadFailure::kPeerReset;
    case ProxyError::kConnectionLimitReached: return UploadFailure::kLocalLimit;
    case ProxyError::kNone: return UploadFailure::kPeerError;
    default: return UploadFailure::kOther;
  }
}

}  // namespace

void countStarted(stats::Stats& stats, PeerId peer, const AccessRecord& record) {
  stats::PeerStats& peerStats = stats.peer(peer);
  peerStats.inFlight.add();
  peerStats.requestsTotal.add();
  if (record.isUpload) stats.uploads.started();
}

void countFinished(stats::Stats& stats, PeerId peer, size_t route, const AccessRecord& record, Duration took) {
  stats::PeerStats& peerStats = stats.peer(peer);
  stats::OperationStats& operation = stats.operation(peer, route);
  peerStats.inFlight.sub();
  peerStats.bytesToPeer.add(record.requestBytes);
  peerStats.bytesFromPeer.add(record.responseBytes);
  operation.duration.observe(took);
  if (record.timedOut) {
    operation.timeouts.add();
    peerStats.timeoutsTotal.add();
  }
  if (record.fastFailed) {
    peerStats.fastFailuresTotal.add();
  } else if (record.error != ProxyError::kNone && record.error != ProxyError::kHttpRequestError) {
    peerStats.failuresTotal.add();
  }
  if (!record.isUpload) return;
  const bool answered = record.error == ProxyError::kNone && !record.clientAborted;
  if (answered && record.status >= 200 && record.status < 400) {
    stats.uploads.succeeded(record.requestBytes, took);
  } else {
    stats.uploads.failed(uploadFailure(record));
  }
}

void logExchange(const PeerOptions& peer, const Route& route, const http::RequestHead& head, uint32_t retries,
                 const AccessRecord& record, Duration took) {
  log::Fields fields;
  fields.add("peer", peer.name)
      .add("operation", route.name)
      .add("class", upstream::toString(route.trafficClass))
      .add("method", head.method)
      .add("path", std::string_view(head.path).substr(0, kMaxLoggedPath))
      .add("protocol", http::toString(head.version))
      .add("status", record.status)
      .add("request_bytes", record.requestBytes)
      .add("response_bytes", record.responseBytes)
      .add("duration_ms", toMillis(took));
  if (retries > 0) fields.add("retries", retries);
  if (record.error != ProxyError::kNone) {
    fields.add("error", info(record.error).name).add("details", record.detail);
  }
  if (record.clientAborted) fields.add("client_aborted", true);
  log::write(log::Level::kInfo, "exchange", fields);
}

}  // namespace peerpulse::proxy
