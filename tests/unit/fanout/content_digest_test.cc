// Goal: only what certainly is the digest of something else speaks against an acknowledgement.
#include "content_digest.h"

#include <doctest/doctest.h>

using peerpulse::fanout::digestMismatch;

namespace {

// printf hello | openssl dgst -sha256 -binary | base64, and of "hello!".
const std::string kHello = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";
const std::string kOther = "sha-256=:zgYJL7lI2f+sfRo3bkBLJrdXW8wR7gWkYV/vT+w6MIs=:";
const std::string kEmpty256 = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
const std::string kHello512 =
    "sha-512=:m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==:";
const std::string kOther512 =
    "sha-512=:AAAAJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==:";

}  // namespace

TEST_CASE("content-digest: equal is equal, however it is written") {
  CHECK(digestMismatch(kHello, kHello).empty());
  CHECK(digestMismatch(kHello, "SHA-256 =:x:, \t" + kHello + ";note=1").empty());
  CHECK(digestMismatch(kHello, "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ:").empty());  // no padding
  CHECK(digestMismatch(kOther + ", " + kHello, kHello).empty());                                   // the last counts
  CHECK(digestMismatch(kHello + ", " + kHello512, kHello512 + "," + kHello).empty());
}

TEST_CASE("content-digest: another one of the same algorithm") {
  CHECK(digestMismatch(kHello, kOther).find("sha-256") != std::string::npos);
  CHECK(digestMismatch(kHello + "," + kHello512, kHello + "," + kOther512).find("sha-512") != std::string::npos);
  CHECK_FALSE(digestMismatch(kHello, "md5=:AAAA:, " + kOther).empty());
}

TEST_CASE("content-digest: what cannot be compared says nothing") {
  CHECK(digestMismatch("", kOther).empty());
  CHECK(digestMismatch(kHello, "").empty());
  CHECK(digestMismatch(kHello, kOther512).empty());
  CHECK(digestMismatch("md5=:AAAAAAAAAAAAAAAAAAAAAA==:", "md5=:BBBBBBBBBBBBBBBBBBBBBA==:").empty());
  for (const char* broken : {"sha-256", "sha-256=", "sha-256=:", "sha-256=::", "sha-256=:not base64!:",
                             "sha-256=:AAAA:", "sha-256=\"LPJN\"", ",,,", ";", "=:::", "sha-256=47DE"}) {
    CHECK(digestMismatch(kHello, broken).empty());
    CHECK(digestMismatch(broken, kHello).empty());
  }
}

TEST_CASE("content-digest: an empty answer may say what it is itself") {
  CHECK(digestMismatch(kHello, kEmpty256).empty());
  CHECK_FALSE(digestMismatch(kEmpty256, kHello).empty());  // an empty chunk was sent
}
