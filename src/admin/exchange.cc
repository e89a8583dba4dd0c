#include "exchange.h"

#include <charconv>

#include "admin_connection.h"
#include "event_json.h"
#include "handlers.h"
#include "peers_wait.h"
#include "service.h"

namespace peerpulse::admin {

namespace {

http::ResponseHead headOf(const Response& response) {
  http::ResponseHead head;
  head.status = response.status;
  head.headers.add("content-type", response.contentType);
  head.headers.add("cache-control", response.cacheControl);
  head.headers.add("x-content-type-options", "nosniff");
  for (const auto& [name, value] : response.headers)
    head.headers.add(name, value);
  return head;
}

/// Where a reconnecting subscriber left off (Last-Event-ID); without it, live events only.
uint64_t resumeFrom(const Request& request, const EventLog& events) {
  const std::string_view id = request.headers.find("last-event-id");
  uint64_t sequence = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), sequence);
  const bool good = !id.empty() && error == std::errc() && end == id.data() + id.size();
  return good ? sequence : events.lastSequence();
}

bool mayFollow(ExchangeState from, ExchangeState to) {
  switch (to) {
    case ExchangeState::kReceiving: return false;
    case ExchangeState::kAnswered: return from == ExchangeState::kReceiving || from == ExchangeState::kWaiting;
    case ExchangeState::kWaiting:
    case ExchangeState::kStreaming: return from == ExchangeState::kReceiving;
  }
  return false;
}

}  // namespace

void Exchange::to(ExchangeState next) {
  PP_ASSERT(mayFollow(state_, next));
  state_ = next;
}

Exchange::Exchange(AdminConnection& connection, http::ResponseStream& stream, http::RequestHead&& head)
    : connection_(connection), service_(connection.service()), stream_(&stream), request_(std::move(head)) {}

Exchange::~Exchange() { service_.taken(backlog_); }

void Exchange::onData(Slice data) {
  if (stream_ != nullptr) stream_->consumed(data.size());
  if (state_ != ExchangeState::kReceiving) return;
  if (request_.body.size() + data.size() > kMaxBody) {
    answer(connection_.service().error(413, "too_large", "a request body may have 64 KiB"));
    return;
  }
  request_.body += data.view();
}

void Exchange::onBodySent(size_t n) {
  backlog_ -= n;
  service_.taken(n);
  connection_.onMoved();
}

void Exchange::onEnd() {
  if (state_ != ExchangeState::kReceiving) return;
  const bool all = !connection_.caller().metricsOnly;
  if (all && wantsEventStream(request_)) {
    startStream();
  } else if (all && asksToWait(request_)) {
    startWait();
  } else {
    answer(connection_.service().handle(connection_.caller(), request_));
  }
}

void Exchange::answer(const Response& response) {
  if (stream_ == nullptr || state_ == ExchangeState::kAnswered || streaming()) return;
  if (Service& service = connection_.service(); !service.hasRoom(response.body.size()))
    return answer(service.error(503, "too_much_unread", "too many answers wait to be read; read them, or ask later"));
  to(ExchangeState::kAnswered);
  if (timeout_ != nullptr) timeout_->disable();
  http::ResponseHead head = headOf(response);
  if (response.status != 304) {  // whose length would be that of what is not sent (RFC 9110 8.6)
    head.contentLength = response.body.size();
    head.headers.add("content-length", std::to_string(response.body.size()));
  }
  stream_->sendHeaders(head, response.body.empty());
  if (stream_ == nullptr || response.body.empty()) return;
  sendText(response.body);
  if (stream_ != nullptr) stream_->sendEnd();
}

void Exchange::startStream() {
  Service& service = connection_.service();
  if (!service.subscribe(*this)) {
    answer(service.error(503, "too_many_subscribers", "there are enough live event streams; close one"));
    return;
  }
  to(ExchangeState::kStreaming);
  stream_->sendHeaders(headOf({.contentType = "text/event-stream"}), false);
  // The comment makes clients and proxies see the head at once.
  std::string text = ": peerpulse events\nretry: 1000\n\n";
  for (const Event& event : service.eventsAfter(resumeFrom(request_, service.events()))) {
    text += eventStreamText(*service.sources().stats, event);
  }
  if (stream_ != nullptr) sendText(text);
}

void Exchange::startWait() {
  Service& service = connection_.service();
  const Result<PeersWait> wait = parseWait(request_);
  if (!wait) return answer(service.error(400, "bad_request", wait.error().message));
  if (wait->version != service.events().version()) return answer(service.handle(connection_.caller(), request_));
  to(ExchangeState::kWaiting);
  knownVersion_ = wait->version;
  if (!service.admitWaiter(*this)) return;  // answered
  timeout_ = service.dispatcher().createTimer([this] { endWait(); });
  timeout_->enable(wait->timeout);
}

void Exchange::endWait() {
  unlink();
  answer(connection_.service().handle(connection_.caller(), request_));
}

void Exchange::onVersion(uint64_t version) {
  if (version != knownVersion_) endWait();
}

void Exchange::refuseWait(const Response& why) {
  unlink();
  answer(why);
}

void Exchange::sendEvent(const std::string& text) {
  if (stream_ == nullptr) return;
  if (backlog_ + text.size() <= kMaxBacklog) {
    sendText(text);
    return;
  }
  unlink();
  http::ResponseStream* stream = stream_;
  stream_ = nullptr;
  stream->reset(http::ResetReason::kCancel);  // no callback follows
  connection_.remove(*this);
}

void Exchange::sendText(const std::string& text) {
  backlog_ += text.size();
  service_.given(text.size());
  stream_->sendData(Slice::copyOf(text));
}

void Exchange::onClosed() {
  stream_ = nullptr;
  if (timeout_ != nullptr) timeout_->disable();  // it may be what is on the stack
  unlink();
  connection_.remove(*this);
}

void Exchange::onReset(http::ResetReason, std::string_view) { onClosed(); }

}  // namespace peerpulse::admin
