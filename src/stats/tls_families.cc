#include "families.h"

namespace peerpulse::stats {

namespace {

/// False where no TLS is spoken.
bool addSide(const std::string& peer, const char* side, const TlsStats& tls, Family& handshakes, Family& kernel,
             Family& failures) {
  if (tls.enabled.get() == 0) return false;
  handshakes.add({{"peer", peer}, {"side", side}, {"resumed", "false"}}, tls.fullHandshakes.get());
  handshakes.add({{"peer", peer}, {"side", side}, {"resumed", "true"}}, tls.resumedHandshakes.get());
  kernel.add({{"peer", peer}, {"side", side}}, tls.ktlsConnections.get());
  for (size_t i = 0; i < kTlsFailureNames.size(); ++i)
    failures.add({{"peer", peer}, {"side", side}, {"reason", kTlsFailureNames[i]}}, tls.failures[i].get());
  return true;
}

}  // namespace

// Of peers without TLS there is no line, and where there are no others no family.
void appendTlsFamilies(const Stats& stats, Families& out) {
  auto handshakes =
      Family::counter("peerpulse_tls_handshakes_total",
                      "TLS handshakes done, with the peer (upstream) or with local clients (downstream).");
  auto kernel = Family::counter("peerpulse_tls_ktls_connections_total",
                                "Of these, the connections on which the kernel encrypts what we send (kTLS).");
  auto failures =
      Family::counter("peerpulse_tls_failures_total", "Connections that TLS did not let begin, or ended.");
  auto expiry =
      Family::gauge("peerpulse_tls_certificate_not_after_seconds",
                    "When a certificate expires, in seconds since 1970: the peer's as it was shown last, ours "
                    "as its client, ours on its listener.");
  for (Family* family : {&handshakes, &kernel, &failures})
    out.detail(*family, {"peer"});
  bool any = false;
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    any = addSide(name, "upstream", peer.tlsUpstream, handshakes, kernel, failures) || any;
    any = addSide(name, "downstream", peer.tlsDownstream, handshakes, kernel, failures) || any;
    const auto expires = [&](const char* certificate, const Value& at) {
      if (at.get() != 0) expiry.add({{"peer", name}, {"certificate", certificate}}, at.get());
    };
    expires("peer", peer.probe.certificateNotAfter);
    expires("client", peer.certificates.client);
    expires("listener", peer.certificates.listener);
  });
  auto reloads =
      Family::counter("peerpulse_tls_reloads_total",
                      "Changed certificate files that were taken, and that could not be: then the ones before "
                      "stay in use.");
  reloads.add({{"result", "taken"}}, stats.tlsReloads.get());
  reloads.add({{"result", "failed"}}, stats.tlsReloadsFailed.get());
  if (any) out.add({&handshakes, &kernel, &failures, &expiry, &reloads});
}

}  // namespace peerpulse::stats
