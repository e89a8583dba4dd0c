#include "downstream_connection.h"

#include "exchange.h"

namespace peerpulse::proxy {

namespace {

constexpr std::string_view kHeadTimeoutAnswer =
    "HTTP/1.1 408 Request Timeout\r\n"
    "proxy-status: peerpulse; error=http_request_error; details=\"the request's head took too long\"\r\n"
    "connection: close\r\ncontent-length: 0\r\n\r\n";

}  // namespace

DownstreamConnection::DownstreamConnection(Listener& listener, std::unique_ptr<net::Transport> transport)
    : listener_(listener),
      life_(listener.context().loopTime(), transport->tls() != nullptr),
      wire_(std::make_unique<wire::CodecConnection>(listener.context().io, std::move(transport), *this)) {}

DownstreamConnection::~DownstreamConnection() = default;

std::unique_ptr<http::Codec> DownstreamConnection::createCodec(http::Preface preface) {
  preface_ = preface;
  auto codec = http::createServerCodec(preface, *this, listener_.context().limits);
  if (http2() && life_.drainingSince()) codec->drain();  // h1 says so with its answer
  if (listener_.pingsHeld()) codec->holdPings(true);
  codec->secondsPassed(0);  // they will be told
  return codec;
}

void DownstreamConnection::onReady() {
  life_.onShaken(listener_.context().loopTime());
  const net::TlsInfo& tls = *wire_->tls();
  listener_.context().shared.stats.peer(listener_.peerId()).tlsDownstream.shookHands(tls.resumed, tls.ktls);
}

void DownstreamConnection::onHeard() { life_.onHeard(listener_.context().loopTime()); }

void DownstreamConnection::onSlowedDown() { listener_.onSlowedDown(); }

void DownstreamConnection::onSettled() {
  const http::Codec* codec = wire_->codec();
  if (codec != nullptr) life_.onSettled(codec->readingHead(), listener_.context().loopTime());
  if (http2() && wornOut() && !retired_) retire();
}

bool DownstreamConnection::wornOut() const { return wire_->tls() != nullptr && wire_->tls()->keysWornOut; }

void DownstreamConnection::retire() {
  retired_ = true;
  wire_->codec()->drain();
  wire_->outputReady();
}

Exchange& DownstreamConnection::addExchange(http::ResponseStream& stream, http::RequestHead&& head) {
  life_.onRequest(listener_.context().loopTime());
  exchanges_.push_front(std::make_unique<Exchange>(listener_, *this, stream, std::move(head)));
  Exchange& exchange = *exchanges_.front();
  exchange.self = exchanges_.begin();
  return exchange;
}

http::Receiver* DownstreamConnection::onRequest(http::ResponseStream& stream, http::RequestHead&& head) {
  if (life_.drainingSince() || (!http2() && wornOut())) wire_->codec()->drain();
  Exchange& exchange = addExchange(stream, std::move(head));
  exchange.start();
  return &exchange;
}

http::Receiver* DownstreamConnection::onBadRequest(http::ResponseStream& stream, int status,
                                                   std::string_view detail) {
  Exchange& exchange = addExchange(stream, http::RequestHead());
  exchange.rejectBadRequest(status, detail);
  return &exchange;
}

void DownstreamConnection::remove(Exchange& exchange) {
  listener_.finished(exchanges_, exchange.self);
  if (exchanges_.empty()) life_.onQuiet(listener_.context().loopTime());
}

void DownstreamConnection::abort(const upstream::Failure& why) {
  if (life_.ended()) return;
  abortedFor_ = &why;
  wire_->abort(why.detail);
  abortedFor_ = nullptr;
}

void DownstreamConnection::drain() {
  life_.drain(listener_.context().loopTime());
  http::Codec* codec = wire_->codec();
  // An answer whose head is out promised to keep the connection: the next one will say that it ends.
  if (!http2() && (!busy() || exchanges_.front()->answering())) return;
  codec->drain();
  wire_->flushNow();
}

void DownstreamConnection::holdPings(bool hold) {
  if (!http2() || wire_->codec() == nullptr) return;
  wire_->codec()->holdPings(hold);
  wire_->outputReady();
}

// Nobody but its two ends knows when a tunnel is over: waiting for it would make each restart as long as the drain may be.
bool DownstreamConnection::tunnelsOutlastDrain(TimePoint now) const {
  return life_.drainingSince() && now - *life_.drainingSince() > listener_.context().options().drainTunnels;
}

// Memory that runs out is given back by those whose clients take nothing, until there is enough.
bool DownstreamConnection::expireExchanges(TimePoint now) {
  const bool cutTunnels = tunnelsOutlastDrain(now);
  bool ended = false;
  for (auto next = exchanges_.begin(); next != exchanges_.end() && !life_.ended();) {
    Exchange& exchange = **next++;
    if (exchange.expire(now)) {
      ended = true;
    } else if (cutTunnels && exchange.tunnel()) {
      exchange.cut(cutByUs("draining: a tunnel does not end by itself", upstream::Timer::kDrainTunnels));
      ended = true;
    }
  }
  return ended;
}

bool DownstreamConnection::expire(TimePoint now) {
  wire_->tellTime(now);
  if (expireExchanges(now) && life_.ended()) return true;
  const ProxyOptions& options = listener_.context().options();
  const auto expiry = life_.expiry(now, {options.downstreamIdleTimeout, options.headerTimeout});
  if (expiry == wire::ServerLife::Expiry::kNot) return false;
  if (expiry == wire::ServerLife::Expiry::kHead && !http2()) {
    wire_->closeWith(kHeadTimeoutAnswer, toString(expiry));
  } else {
    wire_->close(toString(expiry));
  }
  return life_.ended();
}

void DownstreamConnection::onEnded(const wire::End& end) {
  // Who has nothing to lose need not say goodbye.
  const bool bare = is(end.error, TlsFailure::kTruncated) && !busy();
  if (isTlsFailure(end.error) && !bare) listener_.onTlsFailure(end.error, end.detail);
  const http::Codec* codec = wire_->codec();
  if (codec != nullptr && codec->flood() != nullptr) listener_.onFlood(codec->flood());
  life_.onEnded(listener_.context().loopTime());
  listener_.remove(*this);
}

}  // namespace peerpulse::proxy
