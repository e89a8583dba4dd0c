#include "peers_wait.h"

#include <charconv>

#include "peerpulse/base/duration_text.h"

namespace peerpulse::admin {

bool asksToWait(const Request& request) {
  return request.method == "GET" && request.path == "/peers" && request.parameter("wait").has_value();
}

Result<PeersWait> parseWait(const Request& request) {
  PeersWait wait;
  const std::string_view version = *request.parameter("wait");
  const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), wait.version);
  if (version.empty() || error != std::errc() || end != version.data() + version.size()) {
    return Error{"wait is the \"version\" of an earlier answer of /peers, a whole number"};
  }
  const auto timeout = request.parameter("timeout");
  if (!timeout) return wait;
  const auto parsed = parseDuration(*timeout);
  if (!parsed || *parsed < milliseconds(1) || *parsed > PeersWait::kLongest) {
    return Error{"timeout is a duration from 1ms to " + formatDuration(PeersWait::kLongest) +
                 ", such as \"30s\" or \"2m\""};
  }
  wait.timeout = *parsed;
  return wait;
}

}  // namespace peerpulse::admin
