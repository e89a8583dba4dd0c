// Goal: each failure has the reason by which an operator looks for its cause.
#include "peerpulse/upstream/upload_failure.h"

#include <doctest/doctest.h>

using namespace peerpulse::upstream;
using peerpulse::stats::UploadFailure;

namespace {

Failure failure(ErrorType type, Party party, bool timedOut = false) {
  Failure made;
  made.type = type;
  made.party = party;
  made.timedOut = timedOut;
  return made;
}

}  // namespace

TEST_CASE("upload failure: reasons") {
  CHECK(uploadFailureOf(failure(ErrorType::kNone, Party::kSelf)) == UploadFailure::kPeerError);
  CHECK(uploadFailureOf(failure(ErrorType::kHttpResponseTimeout, Party::kPeer, true)) == UploadFailure::kPeerTimeout);
  CHECK(uploadFailureOf(failure(ErrorType::kHttpResponseTimeout, Party::kClient, true)) ==
        UploadFailure::kClientAborted);
  CHECK(uploadFailureOf(failure(ErrorType::kConnectionRefused, Party::kPeer)) == UploadFailure::kConnectFailed);
  CHECK(uploadFailureOf(failure(ErrorType::kConnectionTerminated, Party::kPeer)) == UploadFailure::kPeerReset);
  CHECK(uploadFailureOf(failure(ErrorType::kConnectionTerminated, Party::kHost)) == UploadFailure::kLocalLimit);
  CHECK(uploadFailureOf(failure(ErrorType::kConnectionLimitReached, Party::kSelf)) == UploadFailure::kLocalLimit);
  CHECK(uploadFailureOf(failure(ErrorType::kHttpProtocolError, Party::kPeer)) == UploadFailure::kOther);
  Failure refused = failure(ErrorType::kDestinationUnavailable, Party::kSelf);
  refused.byCircuit = true;
  CHECK(uploadFailureOf(refused) == UploadFailure::kCircuitOpen);
}
