#include "client_request.h"

#include <algorithm>

#include "peerpulse/base/assert.h"

namespace peerpulse::erasure_writer {

namespace {

constexpr size_t kMaxProxyStatus = 256;
constexpr size_t kMaxStoredOn = 1024;

}  // namespace

ClientRequest::ClientRequest(event::Dispatcher& dispatcher, Spec spec, Done onDone)
    : dispatcher_(dispatcher), spec_(std::move(spec)), onDone_(std::move(onDone)) {
  timer_ = dispatcher.createTimer([this] { fail("timeout"); });
}

ClientRequest::~ClientRequest() { cancel(); }

void ClientRequest::cancel() {
  if (state_ == State::kDone) return;
  state_ = State::kDone;
  timer_->disable();
  unlink();
  dropStream();
}

void ClientRequest::submitted() {
  PP_ASSERT(state_ == State::kIdle);
  state_ = State::kWaiting;
  result_.started = dispatcher_.now();
  restartTimer();
}

void ClientRequest::begin(http::ClientCodec& codec, const std::string& authority) {
  PP_ASSERT(state_ == State::kWaiting);
  unlink();
  state_ = State::kActive;
  restartTimer();

  http::RequestHead head;
  head.method = spec_.method;
  head.authority = authority;
  head.path = spec_.path;
  if (spec_.method == "PUT") {
    head.contentLength = spec_.body.size();
    head.headers.add("content-length", std::to_string(spec_.body.size()));
    head.headers.add("content-type", "application/octet-stream");
  }
  unsent_ = spec_.body.size();
  http::RequestStream& stream = codec.openStream(*this);
  stream_ = &stream;
  stream.sendHeaders(head, unsent_ == 0);
  if (unsent_ == 0) return;
  stream.sendData(spec_.body);
  stream.sendEnd();
}

void ClientRequest::fail(std::string reason) {
  if (state_ == State::kDone) return;
  unlink();
  dropStream();
  finish(std::move(reason));
}

void ClientRequest::onHeaders(http::ResponseHead&& head) {
  restartTimer();
  result_.status = head.status;
  result_.storedOn = std::string(head.headers.find("peerpulse-stored-on").substr(0, kMaxStoredOn));
  result_.proxyStatus = std::string(head.headers.find("proxy-status").substr(0, kMaxProxyStatus));
}

void ClientRequest::onData(Slice data) {
  restartTimer();
  const size_t n = data.size();
  if (result_.body.size() + n > spec_.maxResponseBody) {
    fail("the response is larger than expected");
    return;
  }
  result_.body.append(std::move(data));
  stream_->consumed(n);
}

void ClientRequest::onEnd() {
  if (unsent_ == 0) return;  // onClosed() follows
  dropStream();
  finish("");
}

void ClientRequest::onBodySent(size_t n) {
  unsent_ -= std::min(n, unsent_);
  restartTimer();
}

void ClientRequest::onClosed() {
  stream_ = nullptr;
  finish("");
}

void ClientRequest::onReset(http::ResetReason reason, std::string_view detail) {
  stream_ = nullptr;
  std::string text = std::string("reset: ") + http::toString(reason);
  if (!detail.empty()) text.append(": ").append(detail);
  finish(std::move(text));
}

void ClientRequest::restartTimer() { timer_->enable(spec_.timeout); }

void ClientRequest::dropStream() {
  if (stream_ == nullptr) return;
  stream_->reset(http::ResetReason::kCancel);
  stream_ = nullptr;
}

void ClientRequest::finish(std::string error) {
  state_ = State::kDone;
  timer_->disable();
  result_.error = std::move(error);
  result_.ended = dispatcher_.now();
  onDone_(*this);
}

}  // namespace peerpulse::erasure_writer
