#include "peerpulse/upstream/upload_failure.h"

namespace peerpulse::upstream {

stats::UploadFailure uploadFailureOf(const Failure& failure) {
  using stats::UploadFailure;
  if (failure.byCircuit) return UploadFailure::kCircuitOpen;
  if (failure.timedOut && failure.party == Party::kClient) return UploadFailure::kClientAborted;
  if (failure.type == ErrorType::kDnsError || failure.type == ErrorType::kDnsTimeout)
    return UploadFailure::kConnectFailed;
  const bool answered = failure.type == ErrorType::kNone;
  if (!answered && (failure.party == Party::kHost || failure.party == Party::kSelf))
    return UploadFailure::kLocalLimit;
  if (failure.timedOut) return UploadFailure::kPeerTimeout;
  switch (failure.type) {
    case ErrorType::kConnectionRefused:
    case ErrorType::kDestinationUnroutable:
    case ErrorType::kConnectionTimeout: return UploadFailure::kConnectFailed;
    case ErrorType::kConnectionTerminated:
    case ErrorType::kHttpResponseIncomplete: return UploadFailure::kPeerReset;
    case ErrorType::kConnectionLimitReached: return UploadFailure::kLocalLimit;
    case ErrorType::kNone: return UploadFailure::kPeerError;
    default: return UploadFailure::kOther;
  }
}

}  // namespace peerpulse::upstream
