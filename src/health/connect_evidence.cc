#include "peerpulse/health/connect_evidence.h"

#include <cerrno>

#include "peerpulse/base/tls_failure.h"

namespace peerpulse::health {

ConnectEvidence classifyConnect(int error) {
  if (isTlsFailure(error)) return ConnectEvidence::kAlive;
  switch (error) {
    case 0:
    case ECONNRESET:
    case EPIPE: return ConnectEvidence::kAlive;
    case ECONNREFUSED:
    case ENOENT:  // a unix socket that nobody has bound
      return ConnectEvidence::kRefused;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
    case EADDRINUSE: return ConnectEvidence::kLocal;
    default:
      // EHOSTUNREACH and ENETUNREACH come from routers or our own neighbour table, never from the peer.
      return ConnectEvidence::kSilence;
  }
}

}  // namespace peerpulse::health
