#include "downstream_connection.h"

#include <algorithm>

#include "exchange.h"
#include "peerpulse/base/assert.h"

namespace peerpulse::proxy {

namespace {

using State = DownstreamConnection::State;

constexpr milliseconds kDrainGrace{250};

constexpr std::string_view kHeadTimeoutAnswer =
    "HTTP/1.1 408 Request Timeout\r\n"
    "proxy-status: peerpulse; error=http_request_error; details=\"the request's head took too long\"\r\n"
    "connection: close\r\ncontent-length: 0\r\n\r\n";

bool legal(State from, State to) {
  switch (from) {
    case State::kIdle: return to != State::kIdle;
    case State::kReadingHead: return to != State::kReadingHead;
    case State::kBusy: return to == State::kIdle || to == State::kEnded;
    case State::kEnded: return false;
  }
  return false;
}

}  // namespace

DownstreamConnection::DownstreamConnection(Listener& listener, std::unique_ptr<net::Transport> transport)
    : listener_(listener),
      since_(listener.context().loopTime()),
      wire_(std::make_unique<wire::CodecConnection>(listener.context().io, std::move(transport), *this)) {}

DownstreamConnection::~DownstreamConnection() = default;

void DownstreamConnection::enter(State to) {
  PP_ASSERT(legal(state_, to));
  state_ = to;
  since_ = listener_.context().loopTime();
}

std::unique_ptr<http::Codec> DownstreamConnection::createCodec(http::Preface preface) {
  preface_ = preface;
  const http::CodecLimits& limits = listener_.context().limits;
  auto codec = http2() ? http::createH2ServerCodec(*this, limits) : http::createH1ServerCodec(*this, limits);
  if (http2() && drainingSince_) codec->drain();  // h1 says so with its answer
  if (listener_.pingsHeld()) codec->holdPings(true);
  return codec;
}

void DownstreamConnection::onHeard() {
  if (state_ == State::kIdle) enter(State::kReadingHead);
}

// What came was no request's head: a PING, SETTINGS, WINDOW_UPDATE.
void DownstreamConnection::onSettled() {
  if (state_ == State::kReadingHead && !wire_->codec()->readingHead()) enter(State::kIdle);
}

Exchange& DownstreamConnection::addExchange(http::ResponseStream& stream, http::RequestHead&& head) {
  if (state_ != State::kBusy) enter(State::kBusy);
  exchanges_.push_front(std::make_unique<Exchange>(listener_, *this, stream, std::move(head)));
  Exchange& exchange = *exchanges_.front();
  exchange.self = exchanges_.begin();
  return exchange;
}

http::Receiver* DownstreamConnection::onRequest(http::ResponseStream& stream, http::RequestHead&& head) {
  if (drainingSince_) wire_->codec()->drain();
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
  if (exchanges_.empty() && state_ == State::kBusy) enter(State::kIdle);
}

void DownstreamConnection::abort(const upstream::Failure& why) {
  if (state_ == State::kEnded) return;
  abortedFor_ = &why;
  wire_->abort(why.detail);
  abortedFor_ = nullptr;
}

void DownstreamConnection::drain() {
  drainingSince_ = listener_.context().loopTime();
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
bool DownstreamConnection::outlastsDrain(TimePoint now) const {
  return drainingSince_ && !http2() && busy() && exchanges_.front()->tunnel() &&
         now - *drainingSince_ > listener_.context().options().drainTunnels;
}

// Why an idle connection is closed; null if it is not. An h2 client that has not acknowledged the notice of the drain by the
// end of the grace does not run, or does not want to.
const char* DownstreamConnection::expired(TimePoint now) const {
  if (state_ != State::kIdle) return nullptr;
  if (drainingSince_ && now - std::max(since_, *drainingSince_) > kDrainGrace) return "draining";
  return now - since_ > listener_.context().options().downstreamIdleTimeout ? "idle for too long" : nullptr;
}

bool DownstreamConnection::expire(TimePoint now) {
  if (outlastsDrain(now)) {
    abort(cutByUs("draining: a tunnel does not end by itself"));
  } else if (const char* why = expired(now)) {
    wire_->close(why);
  } else if (state_ == State::kReadingHead && now - since_ > listener_.context().options().headerTimeout) {
    constexpr const char* kWhy = "the request's head took too long";
    if (http2()) {
      wire_->close(kWhy);
    } else {
      wire_->closeWith(kHeadTimeoutAnswer, kWhy);
    }
  }
  return state_ == State::kEnded;
}

void DownstreamConnection::onEnded(const wire::End&) {
  enter(State::kEnded);
  listener_.remove(*this);
}

}  // namespace peerpulse::proxy
