#include "admin_connection.h"

#include <algorithm>

#include "service.h"

namespace peerpulse::admin {

AdminConnection::AdminConnection(Service& service, Fd fd)
    : service_(service), lastActivity_(service.dispatcher().now()) {
  connection_ = net::Connection::accepted(service.dispatcher(), service.blocks(), std::move(fd), *this);
}

AdminConnection::~AdminConnection() = default;

void AdminConnection::onRead(Slice data) {
  lastActivity_ = service_.dispatcher().now();
  if (codec_) {
    receive(std::move(data));
    return;
  }
  first_.append(std::move(data));
  preface_ = http::detectPreface(first_.toString());
  if (preface_ == http::Preface::kNeedMore) return;
  const http::CodecLimits& limits = service_.limits();
  codec_ = preface_ == http::Preface::kHttp2 ? http::createH2ServerCodec(*this, limits)
                                             : http::createH1ServerCodec(*this, limits);
  while (!first_.empty() && !closed_)
    receive(first_.takeFront());
}

void AdminConnection::receive(Slice data) {
  const Result<void> received = codec_->receive(std::move(data));
  if (received || closed_) return;
  pump();  // the codec's last words
  shut();
}

void AdminConnection::onEof() {
  if (!codec_) {
    shut();
    return;
  }
  codec_->receiveEof();
  // A half-closed client may still wait for an answer; nobody half-closes an endless stream.
  if (subscribed()) shut();
  if (!closed_) service_.flushQueue().add(*this);
}

void AdminConnection::onOutputReady() { service_.flushQueue().add(*this); }

void AdminConnection::flushNow() {
  if (closed_ || !codec_) return;
  pump();
  if (closed_) return;
  if (codec_->finished() && connection_->output().empty()) {
    shut();
    return;
  }
  connection_->setReadEnabled(codec_->wantsRead());
}

void AdminConnection::pump() {
  const uint64_t written = connection_->bytesWritten();
  connection_->sendFrom(*codec_);
  if (connection_->bytesWritten() > written) lastActivity_ = service_.dispatcher().now();
}

Exchange& AdminConnection::addExchange(http::ResponseStream& stream, http::RequestHead&& head) {
  exchanges_.push_front(std::make_unique<Exchange>(*this, stream, std::move(head)));
  exchanges_.front()->self = exchanges_.begin();
  return *exchanges_.front();
}

http::Receiver* AdminConnection::onRequest(http::ResponseStream& stream, http::RequestHead&& head) {
  return &addExchange(stream, std::move(head));
}

http::Receiver* AdminConnection::onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) {
  Exchange& exchange = addExchange(stream, http::RequestHead());
  exchange.answer(service_.error(status, "bad_request", std::string(detail)));
  return &exchange;
}

void AdminConnection::remove(Exchange& exchange) {
  const auto place = exchange.self;
  service_.dispatcher().deferredDelete(std::move(*place));
  exchanges_.erase(place);
}

bool AdminConnection::subscribed() const {
  return std::any_of(exchanges_.begin(), exchanges_.end(), [](const auto& e) { return e->streaming(); });
}

void AdminConnection::shut() {
  if (closed_) return;
  closed_ = true;
  unlink();
  if (codec_) codec_->connectionLost("the admin closed the connection");
  connection_->close();
  service_.remove(*this);
}

}  // namespace peerpulse::admin
