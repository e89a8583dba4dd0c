#include "session.h"

namespace peerpulse::storage_node {

namespace {

http::CodecLimits codecLimits() {
  http::CodecLimits limits;
  limits.maxConcurrentStreams = 256;
  return limits;
}

}  // namespace

Session::Session(SessionHost& host, std::unique_ptr<net::Transport> transport)
    : host_(host), connection_(host.io(), std::move(transport), *this), lastMoved_(host.io().scheduler.now()) {}

std::unique_ptr<http::Codec> Session::createCodec(http::Preface preface) {
  return http::createServerCodec(preface, *this, codecLimits());
}

http::Receiver* Session::onRequest(http::ResponseStream& stream, http::RequestHead&& head) {
  return host_.serve(*this, stream, head);
}

http::Receiver* Session::onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) {
  return host_.refuse(*this, stream, status, detail);
}

void Session::drain() {
  if (http::Codec* codec = connection_.codec(); codec != nullptr) {
    codec->drain();
  } else {
    connection_.close("the server is going away");
  }
}

void Session::sweep(TimePoint now) {
  const uint64_t moved = connection_.bytesMoved();
  if (moved != bytesMoved_) {
    bytesMoved_ = moved;
    lastMoved_ = now;
    return;
  }
  const bool busy = connection_.codec() != nullptr && connection_.codec()->activeStreams() > 0;
  if (busy && now - lastMoved_ >= kStallTimeout) {
    abort();
  } else if (!busy && now - lastMoved_ >= kIdleTimeout) {
    connection_.close("idle");
  }
}

}  // namespace peerpulse::storage_node
