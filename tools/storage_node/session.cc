#include "session.h"

namespace peerpulse::storage_node {

namespace {

http::CodecLimits codecLimits() {
  http::CodecLimits limits;
  limits.maxConcurrentStreams = 256;
  return limits;
}

}  // namespace

Session::Session(SessionHost& host, Fd fd, TimePoint now)
    : host_(host),
      connection_(net::Connection::accepted(host.dispatcher(), host.readBlocks(), std::move(fd), *this)),
      lastMoved_(now) {}

void Session::onRead(Slice data) {
  if (ended_ || closing_) return;
  if (codec_) {
    receive(std::move(data));
    return;
  }
  preface_.append(data.view());
  if (!chooseCodec()) return;
  receive(Slice::copyOf(preface_));
  preface_ = {};
}

bool Session::chooseCodec() {
  switch (http::detectPreface(preface_)) {
    case http::Preface::kNeedMore: return false;
    case http::Preface::kHttp1: codec_ = http::createH1ServerCodec(*this, codecLimits()); return true;
    case http::Preface::kHttp2: codec_ = http::createH2ServerCodec(*this, codecLimits()); return true;
  }
  return false;
}

void Session::receive(Slice data) {
  if (!codec_->receive(std::move(data))) closing_ = true;
}

void Session::onReadDone() { host_.flushQueue().add(*this); }

void Session::onEof() {
  if (codec_) codec_->receiveEof();
  // A half-closed client may still wait for its answers.
  if (!codec_ || codec_->activeStreams() == 0) closing_ = true;
  host_.flushQueue().add(*this);
}

void Session::onWritable() { flushNow(); }

void Session::onClosed(const Error& error) { end(error.message); }

http::Receiver* Session::onRequest(http::ResponseStream& stream, http::RequestHead&& head) {
  return host_.serve(*this, stream, head);
}

http::Receiver* Session::onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) {
  return host_.refuse(*this, stream, status, detail);
}

void Session::drain() {
  if (codec_) {
    codec_->drain();
  } else {
    closing_ = true;
  }
  host_.flushQueue().add(*this);
}

void Session::abort() {
  if (ended_) return;
  connection_->abort();
  end("the server is going away");
}

void Session::sweep(TimePoint now) {
  const uint64_t moved = connection_->bytesRead() + connection_->bytesWritten();
  if (moved != bytesMoved_) {
    bytesMoved_ = moved;
    lastMoved_ = now;
    return;
  }
  const bool busy = codec_ && (codec_->activeStreams() > 0 || closing_);
  if (busy && now - lastMoved_ >= kStallTimeout) {
    abort();
  } else if (!busy && now - lastMoved_ >= kIdleTimeout) {
    drain();
    lastMoved_ = now;
  }
}

void Session::flushNow() {
  if (ended_) return;
  if (codec_) connection_->sendFrom(*codec_);
  if (ended_) return;
  if ((closing_ || (codec_ && codec_->finished())) && connection_->output().empty()) {
    connection_->close();
    end("closed");
    return;
  }
  connection_->setReadEnabled(!closing_ && (!codec_ || codec_->wantsRead()));
}

void Session::end(std::string_view why) {
  if (ended_) return;
  ended_ = true;
  if (codec_) codec_->connectionLost(why);
  host_.release(*this);
}

}  // namespace peerpulse::storage_node
