#include "peer_connectors.h"

namespace peerpulse::upstream {

net::Connector& PeerConnectors::of(Protocol protocol) {
  if (!secure()) return context_.io.connector;
  if (madeOf_ != peer_) {
    madeOf_ = peer_;
    const auto make = [&](std::optional<net::TlsConnector>& connector, net::Alpn alpn) {
      connector.emplace(context_.io.scheduler, context_.io.connector, peer_->tlsContext,
                        net::TlsTarget{tlsServerName(*peer_), alpn});
    };
    make(tls_[0], net::Alpn::kHttp1);
    make(tls_[1], net::Alpn::kHttp2);
  }
  return *tls_[protocol == Protocol::kHttp2 ? 1 : 0];
}

}  // namespace peerpulse::upstream
