#include "admin_connection.h"

#include <algorithm>
#include <utility>

#include "service.h"

namespace peerpulse::admin {

AdminConnection::AdminConnection(Service& service, std::unique_ptr<net::Transport> transport, Caller caller)
    : service_(service),
      caller_(std::move(caller)),
      life_(service.dispatcher().now()),
      connection_(service.io(), std::move(transport), *this),
      lastMoved_(service.dispatcher().now()) {}

AdminConnection::~AdminConnection() = default;

std::unique_ptr<http::Codec> AdminConnection::createCodec(http::Preface preface) {
  return http::createServerCodec(preface, *this, service_.limits());
}

void AdminConnection::onHeard() { life_.onHeard(service_.dispatcher().now()); }

void AdminConnection::onSettled() {
  if (const http::Codec* codec = connection_.codec())
    life_.onSettled(codec->readingHead(), service_.dispatcher().now());
  if (connection_.remoteEnded()) endWaits();
}

// A half-closed client may still wait for an answer, and one that waits for news gets what there is: it may as well have
// gone. Nobody half-closes an endless stream.
void AdminConnection::endWaits() {
  const auto streams = [](const auto& exchange) { return exchange->streaming(); };
  if (std::any_of(exchanges_.begin(), exchanges_.end(), streams)) {
    connection_.close("the subscriber has gone");
    return;
  }
  for (auto at = exchanges_.begin(); at != exchanges_.end();) {
    Exchange& exchange = **at++;
    if (exchange.waiting()) exchange.endWait();
  }
}

void AdminConnection::onEnded(const wire::End&) {
  life_.onEnded(service_.dispatcher().now());
  service_.remove(*this);
}

void AdminConnection::onMoved() { lastMoved_ = service_.dispatcher().now(); }

// A request's body belongs to its head: who sends a byte now and then is as slow.
bool AdminConnection::expire(TimePoint now) {
  const auto expiry = life_.expiry(now, {Service::kIdleTimeout, Service::kHeadTimeout});
  if (expiry != wire::ServerLife::Expiry::kNot) {
    connection_.close(toString(expiry));
    return true;
  }
  if (exchanges_.empty()) return false;
  const bool slow = receiving() ? now - life_.since() > Service::kHeadTimeout
                                : !lingering() && now - lastMoved_ > Service::kIdleTimeout;
  if (slow) connection_.close("its client neither sends nor reads in time");
  return slow;
}

std::optional<TimePoint> AdminConnection::idleSince(TimePoint now) {
  if (exchanges_.empty()) return life_.since();
  if (lingering()) return std::nullopt;
  const TimePoint since = receiving() ? life_.since() : lastMoved_;
  return now - since >= Service::kSlowReader ? std::optional(since) : std::nullopt;
}

Exchange& AdminConnection::addExchange(http::ResponseStream& stream, http::RequestHead&& head) {
  life_.onRequest(service_.dispatcher().now());
  onMoved();
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
  if (exchanges_.empty()) life_.onQuiet(service_.dispatcher().now());
}

bool AdminConnection::receiving() const {
  return std::any_of(exchanges_.begin(), exchanges_.end(),
                     [](const auto& exchange) { return exchange->receiving(); });
}

bool AdminConnection::lingering() const {
  return std::any_of(exchanges_.begin(), exchanges_.end(),
                     [](const auto& exchange) { return exchange->streaming() || exchange->waiting(); });
}

}  // namespace peerpulse::admin
