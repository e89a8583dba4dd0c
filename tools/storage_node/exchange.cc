#include "exchange.h"

namespace peerpulse::storage_node {

Exchange::Exchange(const ExchangeContext& context)
    : host_(context.host),
      stream_(&context.stream),
      head_(context.head),
      expectContinue_(context.expectContinue),
      answerEarly_(context.answerEarly),
      io_(context.host.pool(), context.host.dispatcher()) {}

void Exchange::onData(Slice data) {
  discarded_ += data.size();
  if (discarded_ > kDiscardLimit && delayed_) {
    discarded_ = 0;
    sendDelayed();
    if (stream_ == nullptr) return;
  }
  if (discarded_ > kDiscardLimit) {
    resetStream(http::ResetReason::kNoError);
    settle();
    return;
  }
  stream_->consumed(data.size());
}

void Exchange::onEnd() {
  requestEnded_ = true;
  if (delayed_) sendDelayed();
}

void Exchange::onClosed() {
  stream_ = nullptr;
  settle();
}

void Exchange::onReset(http::ResetReason, std::string_view) {
  stream_ = nullptr;
  settle();
}

void Exchange::runIo(std::function<void()> work, std::function<void()> done) {
  io_.start(std::move(work), [this, done = std::move(done)] {
    if (stream_ != nullptr) done();
    settle();
  });
}

void Exchange::settle() {
  if (released_ || stream_ != nullptr || io_.busy()) return;
  if (cleanUp()) return;
  released_ = true;
  host_.release(*this);
}

void Exchange::reply(int status, http::HeaderList headers, std::string_view contentType, std::string_view body) {
  http::ResponseHead head;
  head.status = status;
  head.headers = std::move(headers);
  if (!contentType.empty()) head.headers.add("content-type", contentType);
  if (status != 204) {
    head.headers.add("content-length", std::to_string(body.size()));
    head.contentLength = body.size();
  }
  const bool end = head_ || body.empty();
  stream_->sendHeaders(head, end);
  if (end || stream_ == nullptr) return;
  stream_->sendData(Slice::copyOf(body));
  if (stream_ != nullptr) stream_->sendEnd();
}

void Exchange::replyProblem(Problem problem, http::HeaderList headers) {
  if (problem.status == 503) headers.add("retry-after", "1");
  delayed_ = DelayedProblem{std::move(problem), std::move(headers)};
  if (requestEnded_ || answerEarly_) {
    sendDelayed();
  } else {
    sendContinue();
  }
}

void Exchange::sendContinue() {
  if (!expectContinue_ || requestEnded_) return;
  expectContinue_ = false;
  answerEarly_ = false;
  http::ResponseHead head;
  head.status = 100;
  stream_->sendInformational(head);
}

void Exchange::sendDelayed() {
  const DelayedProblem answer = std::move(*delayed_);
  delayed_.reset();
  reply(answer.problem.status, answer.headers, "application/problem+json", answer.problem.toJson());
}

void Exchange::resetStream(http::ResetReason reason) {
  if (stream_ == nullptr) return;
  stream_->reset(reason);
  stream_ = nullptr;
}

}  // namespace peerpulse::storage_node
