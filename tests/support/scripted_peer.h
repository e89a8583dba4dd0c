// A peer of tests: a real listener on loopback whose answers are chosen by the request's path.
//   /ok 200 "hello"   /echo the body, streamed back   /hang never answers   /half head and some body, then nothing
//   /refuse-once REFUSED_STREAM the first time, then as /ok   /trailers-only gRPC answer without a body
//   /hold never answers, and gives no credit for the body
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "end_recorder.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/net/listener.h"
#include "peerpulse/net/plain_transport.h"
#include "peerpulse/wire/codec_connection.h"

namespace peerpulse::test {

/// The scripted peer's side of one request.
struct ServedRequest : http::Receiver {
  http::ResponseStream* stream = nullptr;
  http::RequestHead head;
  std::string body;
  bool ended = false, closed = false, gone = false;
  http::ResetReason reset{};
  void answer(int status, const std::string& text) {
    http::ResponseHead response;
    response.status = status;
    response.headers.add("content-length", std::to_string(text.size()));
    response.contentLength = text.size();
    stream->sendHeaders(response, text.empty());
    if (text.empty()) return;
    stream->sendData(Slice::copyOf(text));
    stream->sendEnd();
  }
  void onData(Slice data) override {
    body += data.view();
    if (head.path != "/hold") stream->consumed(data.size());
  }
  void onTrailers(http::HeaderList&&) override {}
  void onEnd() override {
    ended = true;
    if (head.path == "/echo") answer(200, body);
  }
  void onBodySent(size_t) override {}
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

class TestPeer {
 public:
  /// `io` is of the same loop.
  TestPeer(event::Dispatcher& dispatcher, wire::IoContext& io) : dispatcher_(dispatcher), io_(io) {
    auto socket = net::ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
    REQUIRE(socket);
    listener = std::move(*socket);
    acceptor_ = std::make_unique<net::Acceptor>(dispatcher_, *listener, [this](Fd fd) {
      connections.push_back(
          std::make_unique<Served>(*this, std::make_unique<net::PlainTransport>(dispatcher_, std::move(fd))));
    });
  }
  std::unique_ptr<net::ListenSocket> listener;
  bool onlyHttp1 = false;  ///< takes the preface of h2 for a bad request
  std::list<std::unique_ptr<ServedRequest>> requests;
  std::function<void(ServedRequest&)> onRequest;                 ///< before its script
  std::function<void(ServedRequest&, int status)> onBadRequest;  ///< without it a bad request fails the test

  class Served : public EndRecorder, http::ServerCodecOwner {
   public:
    Served(TestPeer& peer, std::unique_ptr<net::Transport> transport)
        : peer_(peer), connection_(peer.io_, std::move(transport), *this) {}
    /// In order: FIN, on h2 after GOAWAY.
    void close() { connection_.close("closed by the test"); }
    /// RST.
    void abort() { connection_.abort("aborted by the test"); }
    wire::CodecConnection& connection() { return connection_; }

   private:
    std::unique_ptr<http::Codec> createCodec(http::Preface preface) override {
      return preface == http::Preface::kHttp2 && !peer_.onlyHttp1 ? http::createH2ServerCodec(*this, {})
                                                                  : http::createH1ServerCodec(*this, {});
    }
    void onOutputReady() override { connection_.outputReady(); }
    http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override {
      ServedRequest& request = keep(stream, std::move(head));
      if (peer_.onRequest) peer_.onRequest(request);
      if (request.stream != nullptr && !ended) peer_.script(request);
      return &request;
    }
    http::Receiver* onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) override {
      if (!peer_.onBadRequest) FAIL_CHECK("the client sent a bad request: " << std::string(detail));
      ServedRequest& request = keep(stream, {});
      if (peer_.onBadRequest) peer_.onBadRequest(request, status);
      return &request;
    }
    ServedRequest& keep(http::ResponseStream& stream, http::RequestHead&& head) {
      peer_.requests.push_back(std::make_unique<ServedRequest>());
      peer_.requests.back()->stream = &stream;
      peer_.requests.back()->head = std::move(head);
      return *peer_.requests.back();
    }
    TestPeer& peer_;
    wire::CodecConnection connection_;
  };
  std::list<std::unique_ptr<Served>> connections;

 private:
  void script(ServedRequest& request) {
    const std::string& path = request.head.path;
    if (path == "/ok") request.answer(200, "hello");
    if (path == "/refuse-once") {
      if (refusals_++ == 0) {
        std::exchange(request.stream, nullptr)->reset(http::ResetReason::kRefused);
      } else {
        request.answer(200, "second");
      }
    }
    if (path == "/half") {
      http::ResponseHead head;
      head.status = 200;
      head.headers.add("content-length", "1000");
      head.contentLength = 1000;
      request.stream->sendHeaders(head, false);
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
  event::Dispatcher& dispatcher_;
  wire::IoContext& io_;
  std::unique_ptr<net::Acceptor> acceptor_;
  int refusals_ = 0;
};

}  // namespace peerpulse::test
