// PeerConnectors: how a pool opens connections to its peer: as the loop does, or over TLS, with what its sessions gave to
// resume by.
//
// Threading: its worker's thread. References outlive it.
#pragma once

#include <array>
#include <optional>

#include "peerpulse/net/tls_transport.h"
#include "peerpulse/upstream/context.h"

namespace peerpulse::upstream {

class PeerConnectors {
 public:
  /// `peer`: read anew for each connection, a reload may change it.
  PeerConnectors(Context& context, const PeerOptionsRef& peer) : context_(context), peer_(peer) {}

  bool secure() const { return peer_->tlsContext != nullptr; }
  /// `protocol` must not be kAuto.
  net::Connector& of(Protocol protocol);

 private:
  Context& context_;
  const PeerOptionsRef& peer_;
  PeerOptionsRef madeOf_;  // the connectors
  std::array<std::optional<net::TlsConnector>, 2> tls_;
};

}  // namespace peerpulse::upstream
