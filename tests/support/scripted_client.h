// A client of tests: a connection that sends requests and keeps what came back.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "end_recorder.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/wire/codec_connection.h"

namespace peerpulse::test {

/// One request of the client and what came back.
struct ClientRequest : http::ResponseReceiver {
  http::RequestStream* stream = nullptr;
  http::ResponseHead head;
  std::string body;
  http::HeaderList trailers;
  bool gotHead = false, ended = false, closed = false, wasReset = false;
  bool gives = true;  ///< takes what comes; else the answer waits in the client's window
  http::ResetReason reset{};

  void onInformational(http::ResponseHead&&) override {}
  void onHeaders(http::ResponseHead&& h) override {
    gotHead = true;
    head = std::move(h);
  }
  void onData(Slice data) override {
    body += data.view();
    if (gives) stream->consumed(data.size());
  }
  void onTrailers(http::HeaderList&& t) override { trailers = std::move(t); }
  void onEnd() override { ended = true; }
  void onBodySent(size_t) override {}
  void onClosed() override {
    closed = true;
    stream = nullptr;
  }
  void onReset(http::ResetReason r, std::string_view) override {
    wasReset = true;
    reset = r;
    stream = nullptr;
  }
  bool done() const { return closed || wasReset; }
};

class TestClient : public EndRecorder, http::ClientCodecOwner {
 public:
  TestClient(wire::IoContext& io, const SocketAddress& address, bool http2)
      : connection_(io, address, {}, makeCodec(http2), *this) {}

  /// `body` empty: the request ends with its head.
  ClientRequest& send(const std::string& method, const std::string& path, const std::string& body = "",
                      const http::HeaderList& headers = {}) {
    ClientRequest& request = begin(method, path, headers, body.empty() ? Body::kNone : Body::kSized, body.size());
    if (body.empty()) return request;
    request.stream->sendData(Slice::copyOf(body));
    request.stream->sendEnd();
    return request;
  }
  /// A request whose body is the caller's to send.
  ClientRequest& open(const std::string& method, const std::string& path, const http::HeaderList& headers = {}) {
    return begin(method, path, headers, Body::kStreamed, 0);
  }
  /// Asks for a tunnel (h1).
  ClientRequest& upgrade(const std::string& path) {
    upgrade_ = "test";
    return begin("GET", path, {}, Body::kNone, 0);
  }

  wire::CodecConnection& connection() { return connection_; }
  http::ClientCodec& codec() { return *codec_; }
  std::list<std::unique_ptr<ClientRequest>> requests;
  bool ready = false, goneAway = false;
  std::function<void(uint64_t)> whenPingAcked;

 private:
  enum class Body : uint8_t { kNone, kSized, kStreamed };

  std::unique_ptr<http::ClientCodec> makeCodec(bool http2) {
    auto codec = http2 ? http::createH2ClientCodec(*this, {}) : http::createH1ClientCodec(*this, {});
    codec_ = codec.get();
    return codec;
  }
  ClientRequest& begin(const std::string& method, const std::string& path, const http::HeaderList& headers, Body body,
                       size_t size) {
    requests.push_back(std::make_unique<ClientRequest>());
    ClientRequest& request = *requests.back();
    http::RequestHead head;
    head.method = method;
    head.path = path;
    head.authority = "node2:9000";
    head.headers = headers;
    head.upgrade = std::exchange(upgrade_, {});
    head.complete = body == Body::kNone;
    if (body == Body::kSized) {
      head.contentLength = size;
      head.headers.add("content-length", std::to_string(size));
    }
    request.stream = &codec_->openStream(request);
    request.stream->sendHeaders(head, head.complete);
    return request;
  }
  void onReady() override { ready = true; }
  void onOutputReady() override { connection_.outputReady(); }
  void onCapacityChanged() override {}
  void onGoAway(uint32_t, std::string_view) override { goneAway = true; }
  void onPingAck(uint64_t payload) override {
    if (whenPingAcked) whenPingAcked(payload);
  }

  http::ClientCodec* codec_ = nullptr;
  wire::CodecConnection connection_;
  std::string upgrade_;
};

}  // namespace peerpulse::test
