#include "tls_json.h"

#include "peerpulse/base/time.h"

namespace peerpulse::admin {

namespace {

/// Null where TLS is not spoken.
Json sideJson(const stats::TlsStats& tls) {
  if (tls.enabled.get() == 0) return nullptr;
  Json failures = Json::object();
  for (size_t i = 0; i < stats::kTlsFailureNames.size(); ++i) {
    if (const uint64_t count = tls.failures[i].get(); count > 0) failures[stats::kTlsFailureNames[i]] = count;
  }
  return {{"handshakes", {{"full", tls.fullHandshakes.get()}, {"resumed", tls.resumedHandshakes.get()}}},
          {"ktls_connections", tls.ktlsConnections.get()},
          {"failures", std::move(failures)}};
}

/// Null where there is none.
Json expiryJson(const stats::Value& seconds) {
  if (seconds.get() == 0) return nullptr;
  return formatRfc3339(std::chrono::system_clock::from_time_t(static_cast<time_t>(seconds.get())));
}

}  // namespace

Json tlsJson(const stats::PeerStats& stats) {
  return {{"upstream", sideJson(stats.tlsUpstream)},
          {"downstream", sideJson(stats.tlsDownstream)},
          {"expires",
           {{"peer", expiryJson(stats.probe.certificateNotAfter)},
            {"client", expiryJson(stats.certificates.client)},
            {"listener", expiryJson(stats.certificates.listener)}}}};
}

}  // namespace peerpulse::admin
