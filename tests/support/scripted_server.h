// A server of tests, whatever its transports: it answers by the request's path, or leaves that to the test.
//   /ok 200 "hello"   /echo the body, streamed back   /hang never answers   /half head and some body, then nothing
//   /refuse-once REFUSED_STREAM the first time, then as /ok   /trailers-only gRPC answer without a body
//   /hold never answers, and gives no credit for the body   others: the test's (requests.back(), onRequest)
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "end_recorder.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/wire/codec_connection.h"

namespace peerpulse::test {

/// The server's side of one request.
struct ServedRequest : http::Receiver {
  http::ResponseStream* stream = nullptr;
  http::RequestHead head;
  std::string body;
  http::HeaderList trailers;
  bool takes = true;  ///< gives credit for the body
  size_t credit = 0;  ///< of the answer: what was told to have been sent
  bool ended = false, closed = false, gone = false;
  http::ResetReason reset{};

  void answer(int status, const std::string& text, const http::HeaderList& trailing = {}) {
    const bool sized = trailing.empty();
    begin(status, sized ? std::optional<size_t>(text.size()) : std::nullopt, text.empty() && sized);
    if (!text.empty()) stream->sendData(Slice::copyOf(text));
    if (!text.empty() || !sized) stream->sendEnd(trailing);
  }
  /// The head alone, unless that is the `end`.
  void begin(int status, std::optional<size_t> length, bool end = false) {
    http::ResponseHead response;
    response.status = status;
    response.contentLength = length;
    if (length) response.headers.add("content-length", std::to_string(*length));
    stream->sendHeaders(response, end);
  }
  void inform(int status) {
    http::ResponseHead response;
    response.status = status;
    stream->sendInformational(response);
  }
  void switchProtocols() {
    http::ResponseHead response;
    response.status = 101;
    response.upgrade = head.upgrade;
    stream->sendHeaders(response, false);
  }
  void refuse() { std::exchange(stream, nullptr)->reset(http::ResetReason::kRefused); }

  void onData(Slice data) override {
    body += data.view();
    if (takes) stream->consumed(data.size());
  }
  void onTrailers(http::HeaderList&& t) override { trailers = std::move(t); }
  void onEnd() override {
    ended = true;
    if (head.path == "/echo") answer(200, body);
  }
  void onBodySent(size_t n) override { credit += n; }
  void onClosed() override {
    closed = true;
    stream = nullptr;
  }
  void onReset(http::ResetReason reason, std::string_view) override {
    gone = true;
    reset = reason;
    stream = nullptr;
  }
};

class ScriptedServer {
 public:
  explicit ScriptedServer(wire::IoContext& io) : io_(io) {}

  void accept(std::unique_ptr<net::Transport> transport) {
    connections.push_back(std::make_unique<Served>(*this, std::move(transport)));
  }

  class Served : public EndRecorder, http::ServerCodecOwner {
   public:
    Served(ScriptedServer& server, std::unique_ptr<net::Transport> transport)
        : server_(server), connection_(server.io_, std::move(transport), *this) {}
    /// In order: FIN, on h2 after GOAWAY.
    void close() { connection_.close("closed by the test"); }
    /// RST.
    void abort() { connection_.abort("aborted by the test"); }
    /// These bytes, whatever they are, and FIN.
    void say(std::string_view bytes) { connection_.closeWith(bytes, "closed by the test"); }
    /// GOAWAY at once: what is still on its way is not served.
    void goAway() {
      connection_.codec()->drain();
      connection_.codec()->drain();
    }
    wire::CodecConnection& connection() { return connection_; }

   private:
    std::unique_ptr<http::Codec> createCodec(http::Preface preface) override {
      return preface == http::Preface::kHttp2 && !server_.onlyHttp1
                 ? http::createH2ServerCodec(*this, server_.limits)
                 : http::createH1ServerCodec(*this, server_.limits);
    }
    void onOutputReady() override { connection_.outputReady(); }
    http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override {
      ServedRequest& request = keep(stream, std::move(head));
      if (server_.onRequest) server_.onRequest(request);
      if (request.stream != nullptr && !ended) server_.script(request);
      return &request;
    }
    http::Receiver* onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) override {
      if (!server_.onBadRequest) FAIL_CHECK("the client sent a bad request: " << std::string(detail));
      ServedRequest& request = keep(stream, {});
      if (server_.onBadRequest) server_.onBadRequest(request, status);
      return &request;
    }
    ServedRequest& keep(http::ResponseStream& stream, http::RequestHead&& head) {
      server_.requests.push_back(std::make_unique<ServedRequest>());
      server_.last().stream = &stream;
      server_.last().head = std::move(head);
      return server_.last();
    }
    ScriptedServer& server_;
    wire::CodecConnection connection_;
  };

  ServedRequest& last() { return *requests.back(); }
  size_t openConnections() const {
    size_t open = 0;
    for (const auto& connection : connections)
      open += connection->ended ? 0U : 1U;
    return open;
  }

  bool onlyHttp1 = false;  ///< takes the preface of h2 for a bad request
  http::CodecLimits limits;
  std::list<std::unique_ptr<Served>> connections;
  std::list<std::unique_ptr<ServedRequest>> requests;
  std::function<void(ServedRequest&)> onRequest;                 ///< before its script
  std::function<void(ServedRequest&, int status)> onBadRequest;  ///< without it a bad request fails the test

 private:
  void script(ServedRequest& request) {
    const std::string& path = request.head.path;
    if (path == "/ok") request.answer(200, "hello");
    if (path == "/hold") request.takes = false;
    if (path == "/refuse-once") {
      if (refusals_++ == 0) {
        request.refuse();
      } else {
        request.answer(200, "second");
      }
    }
    if (path == "/refuse") request.refuse();
    if (path == "/half") {
      request.begin(200, 1000);
      request.stream->sendData(Slice::copyOf("half"));
    }
    if (path == "/trailers-only") {
      http::ResponseHead head;
      head.status = 200;
      head.headers.add("content-type", "application/grpc");
      head.headers.add("grpc-status", "5");
      request.stream->sendHeaders(head, true);
    }
  }

  wire::IoContext& io_;
  int refusals_ = 0;
};

}  // namespace peerpulse::test
