#include "client_connection.h"

namespace peerpulse::erasure_writer {

ClientConnection::ClientConnection(wire::IoContext& io, const SocketAddress& address, Protocol protocol,
                                   Duration connectTimeout, ClientConnectionOwner& owner)
    : owner_(owner),
      connection_(io, address, net::SocketOptions(), makeCodec(protocol), *this),
      connectTimer_(io.scheduler.createTimer([this] { close("connect: timeout"); })) {
  connectTimer_->enable(connectTimeout);
}

std::unique_ptr<http::ClientCodec> ClientConnection::makeCodec(Protocol protocol) {
  const http::CodecLimits limits;
  auto codec = protocol == Protocol::kHttp2 ? http::createH2ClientCodec(*this, limits)
                                            : http::createH1ClientCodec(*this, limits);
  codec_ = codec.get();
  return codec;
}

bool ClientConnection::canOpenStream() const {
  return connection_.state() == wire::CodecConnection::State::kOpen && !retired_ && codec_->canOpenStream();
}

void ClientConnection::onEnded(const wire::End& end) {
  connectTimer_->disable();
  refused_ = end.kind == wire::End::Kind::kConnectFailed;
  owner_.onGone(*this, std::string(end.detail));
}

}  // namespace peerpulse::erasure_writer
