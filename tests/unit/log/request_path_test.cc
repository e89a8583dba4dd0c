// Goal: no secret of a query reaches the log unless the operator wants it there.
#include "peerpulse/log/request_path.h"

#include <doctest/doctest.h>

using namespace peerpulse::log;

TEST_CASE("request path: a query is masked, whatever it looks like") {
  CHECK(loggedPath("/bucket/key", false) == "/bucket/key");
  CHECK(loggedPath("/bucket/key?X-Amz-Signature=deadbeef&uploadId=1", false) == "/bucket/key?*");
  CHECK(loggedPath("/bucket?c2VjcmV0==", false) == "/bucket?*");  // a name may be the secret
  CHECK(loggedPath("/?", false) == "/?*");
  CHECK(loggedPath("/a?b?c", false) == "/a?*");
  CHECK(loggedPath("*", false) == "*");
  CHECK(loggedPath("", false).empty());
}

TEST_CASE("request path: it is shown where the operator says so") {
  CHECK(loggedPath("/bucket/key?uploadId=1", true) == "/bucket/key?uploadId=1");
}

TEST_CASE("request path: its length is bounded, and a query behind the cut is still told of") {
  const std::string path = "/" + std::string(10'000, 'x');
  CHECK(loggedPath(path, false) == path.substr(0, kMaxLoggedPath));
  CHECK(loggedPath(path + "?token=1", false) == path.substr(0, kMaxLoggedPath) + "?*");
  CHECK(loggedPath(path + "?token=1", true) == path.substr(0, kMaxLoggedPath));
}
