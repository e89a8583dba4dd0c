// Goal: what each errno of a connect proves.
#include "peerpulse/health/connect_evidence.h"

#include <cerrno>

#include <doctest/doctest.h>

namespace peerpulse::health {
namespace {

TEST_CASE("connect_evidence: table") {
  const struct {
    int error;
    ConnectEvidence expected;
  } rows[] = {
      {0, ConnectEvidence::kAlive},
      {ECONNRESET, ConnectEvidence::kAlive},
      {ECONNREFUSED, ConnectEvidence::kRefused},
      {EHOSTUNREACH, ConnectEvidence::kSilence},
      {ENETUNREACH, ConnectEvidence::kSilence},
      {ETIMEDOUT, ConnectEvidence::kSilence},
      {EPERM, ConnectEvidence::kSilence},
      {EMFILE, ConnectEvidence::kLocal},
      {EADDRNOTAVAIL, ConnectEvidence::kLocal},
      {ENOBUFS, ConnectEvidence::kLocal},
  };
  for (const auto& row : rows) {
    CAPTURE(row.error);
    CHECK(classifyConnect(row.error) == row.expected);
  }
}

}  // namespace
}  // namespace peerpulse::health
