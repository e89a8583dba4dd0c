// AccessRecord: what one exchange leaves behind when it ends: a line in the access log and its share of the
// statistics.
//
// Threading: filled and written on the exchange's worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "peerpulse/base/time.h"
#include "peerpulse/http/message.h"
#include "peerpulse/proxy/options.h"
#include "peerpulse/stats/stats.h"
#include "peerpulse/upstream/failure.h"
#include "peerpulse/upstream/phase.h"

namespace peerpulse::proxy {

struct AccessRecord {
  TimePoint started;
  Duration took{};
  int status = 0;  ///< 0: no response head was sent
  upstream::ErrorType error = upstream::ErrorType::kNone;
  upstream::Party party = upstream::Party::kSelf;  ///< whose doing the error was
  std::string detail;
  upstream::Timer timer = upstream::Timer::kNone;
  upstream::Phase phase = upstream::Phase::kRequest;  ///< how far it was when it ended
  upstream::StepTimes steps;
  std::optional<Duration> firstByte;  ///< from the request's head to that of the peer's answer
  std::optional<int> grpcStatus;
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
/// `wallNow`: for what /peers says of its last error.
void countFinished(stats::Stats& stats, PeerId peer, size_t route, const AccessRecord& record, WallTime wallNow);
/// One line of the access log. `sample`: of so many like it this is the one that is written; 0: it stands for itself.
void logExchange(const std::string& peer, const Route& route, const http::RequestHead& head,
                 const AccessRecord& record, bool showQuery, uint32_t sample);

}  // namespace peerpulse::proxy
