// AccessRecord: what one exchange leaves behind when it ends: a line in the access log and its share of the
// statistics.
//
// Threading: filled and written on the exchange's worker.
#pragma once

#include <cstdint>
#include <string>

#include "peerpulse/base/time.h"
#include "peerpulse/http/message.h"
#include "peerpulse/proxy/options.h"
#include "peerpulse/stats/stats.h"
#include "proxy_error.h"

namespace peerpulse::proxy {

struct AccessRecord {
  TimePoint started;
  int status = 0;  ///< 0: no response head was sent
  ProxyError error = ProxyError::kNone;
  std::string detail;
  bool timedOut = false;
  bool fastFailed = false;
  bool clientAborted = false;
  bool isUpload = false;
  uint64_t requestBytes = 0;   ///< of body, sent to the peer
  uint64_t responseBytes = 0;  ///< of body, sent to the client
};

/// Counts the exchange as begun.
void countStarted(stats::Stats& stats, PeerId peer, const AccessRecord& record);
/// Counts the exchange's end.
void countFinished(stats::Stats& stats, PeerId peer, size_t route, const AccessRecord& record, Duration took);
/// One line of the access log.
void logExchange(const PeerOptions& peer, const Route& route, const http::RequestHead& head, uint32_t retries,
                 const AccessRecord& record, Duration took);

}  // namespace peerpulse::proxy
