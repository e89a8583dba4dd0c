#include "http_client.h"

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "peerpulse/http/quiet_client.h"
#include "stream_socket.h"

namespace peerpulse::cli {

namespace {

constexpr size_t kRead = size_t{64} * 1024;

/// One exchange: what comes of the answer.
class Exchange final : public http::QuietReceiver, public http::QuietClientOwner {
 public:
  /// `onBody` is for answers of the media type `streamType`; without one, all are kept.
  Exchange(const HttpRequest& request, std::string streamType, OnBody onBody)
      : codec_(http::createH1ClientCodec(*this, {})), streamType_(std::move(streamType)), onBody_(std::move(onBody)) {
    stream_ = &codec_->openStream(*this);
    http::RequestHead head;
    head.method = request.method;
    head.authority = request.authority;
    head.path = request.path;
    head.headers = request.headers;
    if (!request.body.empty()) {
      head.headers.set("content-length", std::to_string(request.body.size()));
      head.contentLength = request.body.size();
    }
    stream_->sendHeaders(head, request.body.empty());
    if (request.body.empty()) return;
    stream_->sendData(Slice::copyOf(request.body));
    stream_->sendEnd();
  }

  bool over() const { return stream_ == nullptr || !wanted_; }
  bool isStream() const { return streams_; }

  /// Sends what there is and reads once.
  Result<void> step(StreamSocket& socket, const Deadline& deadline) {
    if (auto sent = sendOutput(socket, deadline); !sent) return sent;
    const auto n = socket.receive(block_.data(), block_.size(), deadline);
    if (!n) return n.error();
    if (*n == 0) {
      codec_->receiveEof();
    } else if (auto taken = codec_->receive(Slice::copyOf({block_.data(), *n})); !taken) {
      return Error{"the answer is no HTTP: " + taken.error().message, EPROTO};
    }
    giveBack();
    return error_;
  }

  HttpResponse response;

 private:
  Result<void> sendOutput(StreamSocket& socket, const Deadline& deadline) {
    Buffer out;
    codec_->produce(out, kRead);
    while (!out.empty()) {
      const Slice slice = out.takeFront();
      if (auto sent = socket.send(slice.view(), deadline); !sent) return sent;
    }
    return {};
  }
  /// Credit for what was taken: the next bytes may come.
  void giveBack() {
    if (stream_ != nullptr && taken_ > 0) stream_->consumed(taken_);
    taken_ = 0;
  }

  // ResponseReceiver.
  void onHeaders(http::ResponseHead&& head) override {
    response.status = head.status;
    response.headers = std::move(head.headers);
    streams_ = onBody_ && head.status == 200 && response.headers.find("content-type").starts_with(streamType_);
  }
  void onData(Slice data) override {
    taken_ += data.size();
    if (streams_) {
      if (wanted_ && !onBody_(data.view())) wanted_ = false;
    } else if (response.body.size() + data.size() > kMaxBody) {
      error_ = Error{"the answer is too large", EMSGSIZE};
    } else {
      response.body += data.view();
    }
  }
  void onClosed() override { stream_ = nullptr; }
  void onReset(http::ResetReason, std::string_view detail) override {
    stream_ = nullptr;
    error_ = Error{"the answer was cut off: " + std::string(detail), ECONNRESET};
  }

  std::array<char, kRead> block_;
  std::unique_ptr<http::ClientCodec> codec_;
  http::RequestStream* stream_ = nullptr;
  std::string streamType_;
  OnBody onBody_;
  bool streams_ = false;
  bool wanted_ = true;
  size_t taken_ = 0;
  Result<void> error_;
};

Result<HttpResponse> run(const SocketAddress& to, const HttpRequest& request, const Deadline& deadline,
                         const StreamRules& rules, OnBody onBody, uint32_t mark) {
  auto socket = StreamSocket::connect(to, deadline, mark);
  if (!socket) return socket.error();
  const auto exchange = std::make_unique<Exchange>(request, rules.type, std::move(onBody));
  while (!exchange->over()) {
    // Whoever sends without a pause is not waited for, and all the same not heard for ever.
    if (!exchange->isStream() && deadline.passed()) return systemError("receive", ETIMEDOUT);
    const auto done = exchange->step(*socket, exchange->isStream() ? Deadline(rules.silence) : deadline);
    if (!done) return done.error();
  }
  return std::move(exchange->response);
}

}  // namespace

Result<HttpResponse> httpRequest(const SocketAddress& to, const HttpRequest& request, const Deadline& deadline,
                                 uint32_t mark) {
  return run(to, request, deadline, {}, nullptr, mark);
}

Result<HttpResponse> httpStream(const SocketAddress& to, const HttpRequest& request, const Deadline& deadline,
                                const StreamRules& rules, const OnBody& onBody) {
  return run(to, request, deadline, rules, onBody, 0);
}

}  // namespace peerpulse::cli
