#include "downstream_connection.h"

#include <algorithm>

#include "exchange.h"

namespace peerpulse::proxy {

namespace {

constexpr milliseconds kDrainGrace{250};

constexpr std::string_view kHeadTimeoutAnswer =
    "HTTP/1.1 408 Request Timeout\r\n"
    "proxy-status: peerpulse; error=http_request_error; details=\"the request's head took too long\"\r\n"
    "connection: close\r\ncontent-length: 0\r\n\r\n";

}  // namespace

DownstreamConnection::DownstreamConnection(PeerProxy& peer, Fd fd) : peer_(peer) {
  net::SocketOptions options;
  // A local socket that refuses an option still carries traffic.
  (void)net::applyOptions(fd.get(), options);
  WorkerContext& context = peer_.context();
  idleSince_ = context.dispatcher.now();
  connection_ = net::Connection::accepted(context.dispatcher, context.blocks, std::move(fd), *this);
}

DownstreamConnection::~DownstreamConnection() = default;

void DownstreamConnection::onRead(Slice data) {
  if (headSince_ == TimePoint::max() && exchanges_.empty()) headSince_ = peer_.context().dispatcher.now();
  if (codec_) {
    receive(std::move(data));
    return;
  }
  first_.append(std::move(data));
  preface_ = http::detectPreface(first_.toString());
  if (preface_ == http::Preface::kNeedMore) return;
  createCodec();
  while (!first_.empty() && !closed_)
    receive(first_.takeFront());
}

void DownstreamConnection::createCodec() {
  const http::CodecLimits& limits = peer_.context().limits;
  codec_ = http2() ? http::createH2ServerCodec(*this, limits) : http::createH1ServerCodec(*this, limits);
}

void DownstreamConnection::receive(Slice data) {
  auto received = codec_->receive(std::move(data));
  if (received || closed_) return;
  connection_->sendFrom(*codec_);  // the codec's last words (GOAWAY)
  shut(received.error().message, false);
}

void DownstreamConnection::onReadDone() { flushNow(); }

void DownstreamConnection::onEof() {
  if (!codec_) {
    shut("the client closed the connection", false);
    return;
  }
  codec_->receiveEof();
  if (!closed_) peer_.context().flushQueue.add(*this);
}

void DownstreamConnection::onWritable() { flushNow(); }

void DownstreamConnection::onClosed(const Error& error) { shut(error.message, false); }

void DownstreamConnection::onOutputReady() { peer_.context().flushQueue.add(*this); }

void DownstreamConnection::flushNow() {
  if (closed_ || !codec_) return;
  connection_->sendFrom(*codec_);
  if (closed_) return;
  if (codec_->finished() && connection_->output().empty()) {
    shut("the connection is finished", false);
    return;
  }
  connection_->setReadEnabled(codec_->wantsRead());
}

Exchange& DownstreamConnection::addExchange(http::ResponseStream& stream, http::RequestHead&& head) {
  headSince_ = TimePoint::max();
  exchanges_.push_front(std::make_unique<Exchange>(peer_, *this, stream, std::move(head)));
  Exchange& exchange = *exchanges_.front();
  exchange.self = exchanges_.begin();
  return exchange;
}

http::Receiver* DownstreamConnection::onRequest(http::ResponseStream& stream, http::RequestHead&& head) {
  if (draining_) codec_->drain();
  Exchange& exchange = addExchange(stream, std::move(head));
  exchange.start();
  return exchange.requestReceiver();
}

http::Receiver* DownstreamConnection::onBadRequest(http::ResponseStream& stream, int status,
                                                   std::string_view detail) {
  Exchange& exchange = addExchange(stream, http::RequestHead());
  exchange.rejectBadRequest(status, detail);
  return exchange.requestReceiver();
}

void DownstreamConnection::remove(Exchange& exchange) {
  auto node = exchange.self;
  if (peer_.failing()) {
    peer_.bury(exchanges_, node);
  } else {
    peer_.context().dispatcher.deferredDelete(std::move(*node));
    exchanges_.erase(node);
  }
  if (exchanges_.empty()) idleSince_ = peer_.context().dispatcher.now();
}

void DownstreamConnection::abort(std::string_view why) { shut(why, true); }

size_t DownstreamConnection::peerDied(const health::CircuitWord& word) {
  size_t inFlight = 0;
  for (auto& exchange : exchanges_) {
    if (exchange->inFlight()) ++inFlight;
    exchange->noteRefusal(word);
  }
  shut("the peer is dead", true);
  return inFlight;
}

size_t DownstreamConnection::failExchanges(const health::CircuitWord& word, TimePoint stop) {
  size_t failed = 0;
  for (auto next = exchanges_.begin(); next != exchanges_.end();) {
    Exchange& exchange = **next++;
    if (!exchange.inFlight()) continue;
    exchange.onPeerDown(word);
    ++failed;
    if (closed_) return failed;  // h1: reset, as its answer had begun
    if (peer_.context().dispatcher.now() >= stop) break;
  }
  flushNow();
  return failed;
}

void DownstreamConnection::drain() {
  draining_ = true;
  drainedAt_ = peer_.context().dispatcher.now();
  // An answer whose head is out promised to keep the connection: the next one will say that it ends.
  if (!http2() && (!busy() || exchanges_.front()->answering())) return;
  codec_->drain();
  flushNow();
}

void DownstreamConnection::expire(TimePoint now) {
  if (draining_ && !http2() && !busy() && now - std::max(idleSince_, drainedAt_) > kDrainGrace) {
    shut("draining", false);
    return;
  }
  const ProxyOptions& options = peer_.context().options;
  if (headSince_ != TimePoint::max() && !busy() && now - headSince_ > options.headerTimeout) {
    if (!http2() && connection_->output().empty()) {
      connection_->output().append(kHeadTimeoutAnswer);
      connection_->flush();
    }
    shut("the request's head took too long", false);
    return;
  }
  const bool quiet = headSince_ == TimePoint::max() && !busy();
  if (quiet && now - idleSince_ > options.downstreamIdleTimeout) shut("idle for too long", false);
}

void DownstreamConnection::shut(std::string_view why, bool reset) {
  if (closed_) return;
  closed_ = true;
  unlink();
  if (codec_) codec_->connectionLost(why);
  if (reset) {
    connection_->abort();
  } else {
    connection_->close();
  }
  peer_.remove(*this);
}

}  // namespace peerpulse::proxy
