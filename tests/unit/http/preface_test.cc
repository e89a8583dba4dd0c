#include <string>

#include <doctest/doctest.h>

#include "peerpulse/http/codec.h"

namespace peerpulse::http {
namespace {

TEST_CASE("detectPreface") {
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  for (size_t n = 0; n < preface.size(); ++n) {
    CHECK((detectPreface(preface.substr(0, n)) == Preface::kNeedMore));
    CHECK((detectPreface(preface.substr(0, n) + "?") == Preface::kHttp1));
  }
  CHECK((detectPreface(preface) == Preface::kHttp2));
  CHECK((detectPreface(preface + "more") == Preface::kHttp2));
  CHECK((detectPreface("GET / HTTP/1.1\r\n") == Preface::kHttp1));
  CHECK((detectPreface("P") == Preface::kNeedMore));
  CHECK((detectPreface("PU") == Preface::kHttp1));
}

}  // namespace
}  // namespace peerpulse::http
