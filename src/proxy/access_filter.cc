#include "access_filter.h"

namespace peerpulse::proxy {

namespace {

/// UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS: what a 5xx is in HTTP.
bool isServerError(int grpcStatus) {
  return grpcStatus == 2 || grpcStatus == 4 || (grpcStatus >= 12 && grpcStatus <= 15);
}

}  // namespace

bool isNotable(const AccessLogOptions& options, upstream::TrafficClass trafficClass, const AccessRecord& record) {
  // What was refused before anything was sent, by the circuit, the governor or a limit: there may be thousands a second, and
  // they have lines and counters of their own.
  const bool refused =
      record.fastFailed || record.shed || (record.failed() && record.party == upstream::Party::kSelf);
  if (refused && record.phase == upstream::Phase::kQueue) return false;
  if (record.fastFailed) return true;
  if (record.failed() || record.clientAborted || record.status >= 500) return true;
  if (record.grpcStatus && isServerError(*record.grpcStatus)) return true;
  if (options.slow == Duration::zero() || trafficClass == upstream::TrafficClass::kStream) return false;
  return record.steps.connect.value_or(Duration::zero()) > options.slow ||
         record.steps.wait.value_or(Duration::zero()) > options.slow;
}

AccessFilter::Verdict AccessFilter::next(const AccessLogOptions& options, upstream::TrafficClass trafficClass,
                                         const AccessRecord& record) {
  if (options.mode == AccessLogOptions::Mode::kOff) return Verdict::kNo;
  if (options.mode == AccessLogOptions::Mode::kAll || isNotable(options, trafficClass, record)) return Verdict::kYes;
  if (options.sample == 0) return Verdict::kNo;
  const bool sampled = ordinary_ == 0;
  ordinary_ = (ordinary_ + 1) % options.sample;
  return sampled ? Verdict::kSampled : Verdict::kNo;
}

}  // namespace peerpulse::proxy
