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
#include "peerpulse/upstream/failure.h"

namespace peerpulse::proxy {

struct AccessRecord {
  TimePoint started;
  Duration took{};
  int status = 0;  ///< 0: no response head was sent
  upstream::ErrorType error = upstream::ErrorType::kNone;
  upstream::Party party = upstream::Party::kSelf;  ///< whose doing the error was
  std::string detail;
  bool timedOut = false;
  bool fastFailed = false;  ///< by the circuit
  bool shed = false;        ///< by the governor: the peer is slow
  bool clientAborted = false;
  bool ownAnswer = false;  ///< `status` is of an answer that we gave in the peer's place
  bool isUpload = false;
  uint32_t retries = 0;
  uint64_t requestBytes = 0;   ///< of body, sent to the peer
  uint64_t responseBytes = 0;  ///< of body, sent to the client

  void note(const upstream::Failure& failure);
  bool failed() const { return error != upstream::ErrorType::kNone; }
};

/// Counts the exchange as begun.
void countStarted(stats::Stats& stats, PeerId peer, const AccessRecord& record);
/// Counts the exchange's end.
void countFinished(stats::Stats& stats, PeerId peer, size_t route, const AccessRecord& record);
/// One line of the access log.
void logExchange(const std::string& peer, const Route& route, const http::RequestHead& head,
                 const AccessRecord& record);

}  // namespace peerpulse::proxy
