// A peer of tests: a real listener on loopback whose answers are chosen by the request's path.
//   /ok 200 "hello"   /echo the body, streamed back   /hang never answers   /half head and some body, then nothing
//   /refuse-once REFUSED_STREAM the first time, then as /ok   /trailers-only gRPC answer without a body
#pragma once

#include <list>
#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "peerpulse/http/codec.h"
#include "peerpulse/net/connection.h"
#include "peerpulse/net/flush_queue.h"
#include "peerpulse/net/listener.h"

namespace peerpulse::test {

class CodecConnection : public net::ConnectionCallbacks, public net::Flushable {
 public:
  CodecConnection(event::Dispatcher& dispatcher, net::FlushQueue& queue) : dispatcher_(dispatcher), queue_(queue) {}
  void onConnected() override { flushNow(); }
  void onRead(Slice data) override {
    if (codec && !codec->receive(std::move(data))) end("protocol error");
  }
  void onReadDone() override { flushNow(); }
  void onEof() override {
    codec->receiveEof();
    eof = true;
  }
  void onWritable() override { flushNow(); }
  void onClosed(const Error& error) override {
    closeCode = error.code;
    end(error.message);
  }
  void flushNow() override {
    while (connection->state() == net::Connection::State::kOpen) {
      codec->produce(connection->output(), net::Connection::kOutputLimit);
      if (connection->output().empty()) break;
      connection->flush();
      if (!connection->output().empty()) break;
    }
  }
  void end(std::string_view why) {
    ended = true;
    if (codec) codec->connectionLost(why);
  }
  void outputReady() { queue_.add(*this); }

  std::unique_ptr<net::Connection> connection;
  std::unique_ptr<http::Codec> codec;
  int closeCode = 0;
  bool eof = false, ended = false;

 protected:
  event::Dispatcher& dispatcher_;
  net::FlushQueue& queue_;
};

/// The scripted peer's side of one request.
struct ServedRequest : http::Receiver {
  http::ResponseStream* stream = nullptr;
  http::RequestHead head;
  std::string body;
  bool ended = false, gone = false;
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
    stream->consumed(data.size());
  }
  void onTrailers(http::HeaderList&&) override {}
  void onEnd() override {
    ended = true;
    if (head.path == "/echo") answer(200, body);
  }
  void onBodySent(size_t) override {}
  void onClosed() override { stream = nullptr; }
  void onReset(http::ResetReason reason, std::string_view) override {
    gone = true;
    reset = reason;
    stream = nullptr;
  }
};

class TestPeer {
 public:
  TestPeer(event::Dispatcher& dispatcher, net::ReadBlocks& blocks, net::FlushQueue& queue)
      : dispatcher_(dispatcher), blocks_(blocks), queue_(queue) {
    auto socket = net::ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
    REQUIRE(socket);
    listener = std::move(*socket);
    acceptor_ = std::make_unique<net::Acceptor>(dispatcher_, *listener, [this](Fd fd) {
      connections.push_back(std::make_unique<Served>(*this, dispatcher_, queue_));
      connections.back()->connection =
          net::Connection::accepted(dispatcher_, blocks_, std::move(fd), *connections.back());
    });
  }
  std::unique_ptr<net::ListenSocket> listener;
  std::list<std::unique_ptr<ServedRequest>> requests;

  struct Served : CodecConnection, http::ServerCodecOwner {
    Served(TestPeer& p, event::Dispatcher& d, net::FlushQueue& q) : CodecConnection(d, q), peer(p) {}
    void onRead(Slice data) override {
      if (!codec) {
        codec = http::detectPreface(data.view()) == http::Preface::kHttp2 ? http::createH2ServerCodec(*this, {})
                                                                          : http::createH1ServerCodec(*this, {});
      }
      CodecConnection::onRead(std::move(data));
    }
    void onOutputReady() override { outputReady(); }
    http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override {
      peer.requests.push_back(std::make_unique<ServedRequest>());
      ServedRequest& request = *peer.requests.back();
      request.stream = &stream;
      request.head = std::move(head);
      peer.script(request);
      return &request;
    }
    http::Receiver* onBadRequest(http::ResponseStream& stream, int, std::string_view detail) override {
      FAIL_CHECK("the proxy sent a bad request: " << std::string(detail));
      return onRequest(stream, {});
    }
    TestPeer& peer;
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
  net::ReadBlocks& blocks_;
  net::FlushQueue& queue_;
  std::unique_ptr<net::Acceptor> acceptor_;
  int refusals_ = 0;
};

}  // namespace peerpulse::test
