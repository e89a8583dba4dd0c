// Goal: the words of the contract, which metrics, the admin and the operators' queries rely on (design 3 and 8).
#include "peerpulse/health/verdict.h"

#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "peerpulse/health/peer_protocol.h"
#include "peerpulse/health/probe_mode.h"

namespace peerpulse::health {
namespace {

/// Of the enum's values 0 to `last`.
template <typename Enum>
std::vector<std::string> names(Enum last) {
  std::vector<std::string> all;
  for (uint8_t i = 0; i <= static_cast<uint8_t>(last); ++i)
    all.emplace_back(toString(static_cast<Enum>(i)));
  return all;
}

using Names = std::vector<std::string>;

TEST_CASE("verdict: the words of verdicts, circuits, probe modes and protocols") {
  CHECK((names(Verdict::kStalled) == Names{"unknown", "alive", "suspect", "dead", "refusing", "stalled"}));
  CHECK((names(CircuitState::kHalfOpen) == Names{"closed", "open", "half_open"}));
  CHECK((names(ProbeMode::kL4) == Names{"fast_ping", "slow_ping", "l4"}));
  CHECK((names(HostMeans::kConnect) == Names{"ping", "icmp", "connect"}));
  CHECK((names(ProcessMeans::kConnect) == Names{"ping", "request", "connect"}));
  CHECK((names(PeerProtocol::kHttp2) == Names{"unknown", "http1", "http2"}));
}

TEST_CASE("verdict: every reason has a word of its own") {
  const Names reasons = names(Reason::kOperator);
  CHECK(std::set(reasons.begin(), reasons.end()).size() == reasons.size());
  CHECK(reasons[static_cast<size_t>(Reason::kRequestFailures)] == "request_failures");
  CHECK(reasons[static_cast<size_t>(Reason::kProbeSilence)] == "probe_silence");
}

}  // namespace
}  // namespace peerpulse::health
