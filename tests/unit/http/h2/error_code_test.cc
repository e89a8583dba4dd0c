#include "h2/error_code.h"

#include <doctest/doctest.h>
#include <nghttp2/nghttp2.h>

namespace peerpulse::http::h2 {
namespace {

TEST_CASE("error codes: what can be said to the other side comes back as the same reason") {
  for (const ResetReason reason :
       {ResetReason::kNoError, ResetReason::kCancel, ResetReason::kRefused, ResetReason::kProtocol,
        ResetReason::kInternal, ResetReason::kFlowControl, ResetReason::kEnhanceYourCalm}) {
    CHECK((reasonOf(errorCodeOf(reason, true)) == reason));
    CHECK((reasonOf(errorCodeOf(reason, false)) == reason));
  }
}

TEST_CASE("error codes: what the other side said goes on as it came, and what nobody knows as an internal error") {
  for (uint32_t code = NGHTTP2_NO_ERROR; code <= NGHTTP2_HTTP_1_1_REQUIRED; ++code) {
    CAPTURE(code);
    for (const bool server : {true, false})
      CHECK(errorCodeOf(receivedReason(code), server) == code);
    CHECK(saidByRemote(receivedReason(code)) == (code != NGHTTP2_REFUSED_STREAM));
  }
  CHECK((receivedReason(4711) == ResetReason::kInternal));
  // What we find wrong is not what the other side says.
  CHECK_FALSE(saidByRemote(reasonOf(NGHTTP2_PROTOCOL_ERROR)));
  CHECK_FALSE(saidByRemote(reasonOf(NGHTTP2_FLOW_CONTROL_ERROR)));
}

TEST_CASE("error codes: a connection lost on the other side") {
  CHECK(errorCodeOf(ResetReason::kConnectionClosed, true) == NGHTTP2_INTERNAL_ERROR);
  CHECK(errorCodeOf(ResetReason::kConnectionClosed, false) == NGHTTP2_CANCEL);
}

TEST_CASE("error codes: what we have no name for is a fault of the protocol") {
  CHECK((reasonOf(NGHTTP2_COMPRESSION_ERROR) == ResetReason::kProtocol));
  CHECK((reasonOf(4711) == ResetReason::kProtocol));
  CHECK((reasonOf(NGHTTP2_CONNECT_ERROR) == ResetReason::kInternal));
}

}  // namespace
}  // namespace peerpulse::http::h2
