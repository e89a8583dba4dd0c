#include "admin_connection.h"

#include <algorithm>
#include <utility>

#include "service.h"

namespace peerpulse::admin {

AdminConnection::AdminConnection(Service& service, std::unique_ptr<net::Transport> transport)
    : service_(service),
      connection_(service.io(), std::move(transport), *this),
      lastActivity_(service.dispatcher().now()) {}

AdminConnection::~AdminConnection() = default;

std::unique_ptr<http::Codec> AdminConnection::createCodec(http::Preface preface) {
  return http::createServerCodec(preface, *this, service_.limits());
}

// A half-closed client may still wait for an answer, and one that waits for news gets what there is: it may as well have
// gone. Nobody half-closes an endless stream.
void AdminConnection::onSettled() {
  if (!connection_.remoteEnded()) return;
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

void AdminConnection::onEnded(const wire::End&) { service_.remove(*this); }

Duration AdminConnection::idleFor(TimePoint now) {
  const uint64_t moved = connection_.bytesMoved();
  if (std::exchange(bytesMoved_, moved) != moved || lingering()) lastActivity_ = now;
  return now - lastActivity_;
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

bool AdminConnection::lingering() const {
  return std::any_of(exchanges_.begin(), exchanges_.end(),
                     [](const auto& exchange) { return exchange->streaming() || exchange->waiting(); });
}

}  // namespace peerpulse::admin
