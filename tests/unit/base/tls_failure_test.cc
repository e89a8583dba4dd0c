// Goal: the codes are told apart from errno values, and each has a place.
#include "peerpulse/base/tls_failure.h"

#include <cerrno>

#include <doctest/doctest.h>

using namespace peerpulse;

TEST_CASE("tls failure: no errno value is one, and each is") {
  for (int code = 0; code < 4096; ++code)
    REQUIRE_FALSE(isTlsFailure(code));
  CHECK(isTlsFailure(codeOf(TlsFailure::kProtocol)));
  CHECK(isTlsFailure(codeOf(TlsFailure::kNoHttp2)));
  CHECK_FALSE(isTlsFailure(codeOf(TlsFailure::kNoHttp2) + 1));
  CHECK(is(codeOf(TlsFailure::kTruncated), TlsFailure::kTruncated));
  CHECK_FALSE(is(ECONNRESET, TlsFailure::kTruncated));
}
