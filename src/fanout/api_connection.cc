#include "api_connection.h"

#include <utility>

#include "peerpulse/fanout/api.h"

namespace peerpulse::fanout {

ApiConnection::ApiConnection(Api& api, std::unique_ptr<net::Transport> transport)
    : api_(api), life_(api.loopTime()), wire_(api.environment().io, std::move(transport), *this) {}

ApiConnection::~ApiConnection() = default;

std::unique_ptr<http::Codec> ApiConnection::createCodec(http::Preface preface) {
  http2_ = preface == http::Preface::kHttp2;
  auto codec = http::createServerCodec(preface, *this, api_.limits());
  if (http2_ && life_.drainingSince()) codec->drain();  // h1 says so with its answer
  return codec;
}

void ApiConnection::onHeard() { life_.onHeard(api_.loopTime()); }

void ApiConnection::onSettled() {
  if (const http::Codec* codec = wire_.codec()) life_.onSettled(codec->readingHead(), api_.loopTime());
}

void ApiConnection::onEnded(const wire::End&) {
  life_.onEnded(api_.loopTime());
  api_.remove(*this);
}

ApiExchange& ApiConnection::addExchange(http::ResponseStream& stream) {
  life_.onRequest(api_.loopTime());
  exchanges_.push_front(std::make_unique<ApiExchange>(api_, *this, stream));
  exchanges_.front()->self = exchanges_.begin();
  return *exchanges_.front();
}

http::Receiver* ApiConnection::onRequest(http::ResponseStream& stream, http::RequestHead&& head) {
  if (life_.drainingSince()) wire_.codec()->drain();
  ApiExchange& exchange = addExchange(stream);
  exchange.start(head);
  return &exchange;
}

http::Receiver* ApiConnection::onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) {
  ApiExchange& exchange = addExchange(stream);
  exchange.refuse({status, "bad_request", std::string(detail), {}});
  return &exchange;
}

void ApiConnection::remove(ApiExchange& exchange) {
  const auto place = exchange.self;
  api_.environment().scheduler.deferredDelete(std::move(*place));
  exchanges_.erase(place);
  if (exchanges_.empty()) life_.onQuiet(api_.loopTime());
}

void ApiConnection::drain() {
  life_.drain(api_.loopTime());
  http::Codec* codec = wire_.codec();
  if (codec == nullptr) return;  // the sweep ends it
  // An answer whose head is out promised to keep the connection: the next one will say that it ends.
  if (!http2_ && (exchanges_.empty() || exchanges_.front()->answering())) return;
  codec->drain();
  wire_.flushNow();
}

void ApiConnection::expire(TimePoint now) {
  const auto expiry = life_.expiry(now, {Api::kIdleTimeout, Api::kHeadTimeout});
  if (expiry != wire::ServerLife::Expiry::kNot) {
    wire_.close(toString(expiry));
    return;
  }
  for (auto next = exchanges_.begin(); next != exchanges_.end();) {
    ApiExchange& exchange = **next++;
    if (!exchange.overdue(now)) continue;
    if (!http2_) {  // which has no other end of a request that is under way
      wire_.abort("the caller neither sends nor reads");
      return;
    }
    exchange.giveUp();
  }
}

}  // namespace peerpulse::fanout
