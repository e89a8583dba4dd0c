#include "target_rules.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::http {
namespace {

TEST_CASE("target rules: targets") {
  for (const char* good : {"/", "/a%20b?c", "http://a/b", "*", "//", "/..", "/a%2f;,'\"<>{}|\\^`"}) {
    CAPTURE(good);
    CHECK(targetProblem(good) == nullptr);
  }
  for (const char* bad : {"", "/#", "/a b", "/%00", "/a\t", "/\x7f", "/\xc3\xa4", "/a\r"}) {
    CAPTURE(bad);
    CHECK(targetProblem(bad) != nullptr);
  }
}

TEST_CASE("target rules: paths") {
  CHECK(pathProblem("/a?b", "GET") == nullptr);
  CHECK(pathProblem("*", "OPTIONS") == nullptr);
  CHECK(pathProblem("*", "GET") == std::string("asterisk-form without OPTIONS"));
  for (const char* bad : {"", "evil", "http://evil/x", "?x", "/#", "**"}) {
    CAPTURE(bad);
    CHECK(pathProblem(bad, "OPTIONS") != nullptr);
  }
}

TEST_CASE("target rules: authorities") {
  for (const char* good : {"a", "a:1", "a.b-c_d~:65535", "127.0.0.1:9000", "[::1]", "[::1]:9000", "a:"}) {
    CAPTURE(good);
    CHECK(isAuthority(good));
  }
  for (const char* bad :
       {"", ":1", "u@a", "a/b", "a,b", "a b", "a:x", "a:123456", "[", "[]", "[::1", "[::1]x", "[a b]"}) {
    CAPTURE(bad);
    CHECK_FALSE(isAuthority(bad));
  }
}

}  // namespace
}  // namespace peerpulse::http
