#include "client_connection.h"

namespace peerpulse::erasure_writer {

namespace {

std::unique_ptr<http::ClientCodec> createCodec(Protocol protocol, http::ClientCodecOwner& owner) {
  const http::CodecLimits limits;
  return protocol == Protocol::kHttp2 ? http::createH2ClientCodec(owner, limits)
                                      : http::createH1ClientCodec(owner, limits);
}

}  // namespace

ClientConnection::ClientConnection(const Environment& environment, const SocketAddress& address, Protocol protocol,
                                   Duration connectTimeout, ClientConnectionOwner& owner)
    : environment_(environment), owner_(owner), codec_(createCodec(protocol, *this)) {
  connectTimer_ = environment.dispatcher.createTimer([this] {
    connectTimedOut_ = true;
    close("connect: timeout");
  });
  connectTimer_->enable(connectTimeout);
  connection_ = net::Connection::connectTo(environment.dispatcher, environment.readBlocks, address,
                                           net::SocketOptions(), *this);
}

bool ClientConnection::canOpenStream() const {
  return !ended_ && !retired_ && connection_->state() == net::Connection::State::kOpen && codec_->canOpenStream();
}

void ClientConnection::onConnected() {
  connectTimer_->disable();
  opened_ = true;
  environment_.flushQueue.add(*this);
}

void ClientConnection::onRead(Slice data) {
  if (ended_ || codec_->receive(std::move(data))) return;
  retired_ = true;
}

void ClientConnection::onReadDone() { environment_.flushQueue.add(*this); }

void ClientConnection::onEof() {
  codec_->receiveEof();
  retired_ = true;
  environment_.flushQueue.add(*this);
}

void ClientConnection::onWritable() { flushNow(); }

void ClientConnection::onClosed(const Error& error) { close(error.message); }

void ClientConnection::onGoAway(uint32_t, std::string_view) {
  retired_ = true;
  environment_.flushQueue.add(*this);
}

void ClientConnection::flushNow() {
  if (ended_ || connecting()) return;
  owner_.onRoom(*this);
  connection_->sendFrom(*codec_);
  if (ended_) return;
  if (codec_->finished() || (retired_ && codec_->activeStreams() == 0)) {
    if (connection_->output().empty()) {
      close("closed");
      return;
    }
  }
  connection_->setReadEnabled(codec_->wantsRead());
}

void ClientConnection::close(const std::string& why) {
  if (ended_) return;
  ended_ = true;
  connectTimer_->disable();
  connection_->close();
  codec_->connectionLost(why);
  owner_.onGone(*this, why);
}

}  // namespace peerpulse::erasure_writer
