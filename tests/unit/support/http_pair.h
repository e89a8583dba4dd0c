// A client and a server that speak HTTP by the real codecs and the real connections, over whatever transport.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "peerpulse/http/codec.h"
#include "peerpulse/wire/codec_connection.h"
#include "peerpulse/wire/io_context.h"

namespace peerpulse::test {

/// One message as it came in.
struct Incoming {
  std::string body;
  bool ended = false;
  bool closed = false;  ///< both directions ended in order
  std::optional<http::ResetReason> reset;
};

/// Sends a body in pieces.
inline void sendBody(http::Stream& stream, std::string_view body) {
  constexpr size_t kPiece = 10'000;
  for (; !body.empty(); body.remove_prefix(std::min(kPiece, body.size())))
    stream.sendData(Slice::copyOf(body.substr(0, kPiece)));
}

class HttpServer {
 public:
  /// Answers by the path: /echo the body; /bytes/N so many bytes; /abort the connection after half of the answer;
  /// /tunnel 101, then everything back, and "bye" after the client's end.
  explicit HttpServer(wire::IoContext& io) : io_(io) {}
  void accept(std::unique_ptr<net::Transport> transport) {
    connections_.push_back(std::make_unique<Served>(*this, std::move(transport)));
  }

  struct Request : Incoming, http::Receiver {
    void onData(Slice data) override {
      stream->consumed(data.size());
      if (tunnel) {
        stream->sendData(std::move(data));
      } else {
        body += data.view();
      }
    }
    void onTrailers(http::HeaderList&&) override {}
    void onEnd() override {
      if (head.path == "/tunnel" && !tunnel) {  // the request's own end
        switchProtocols();
        return;
      }
      ended = true;
      if (tunnel) {
        stream->sendData(Slice::copyOf("bye"));
        stream->sendEnd();
      } else {
        answer();
      }
    }
    void onBodySent(size_t n) override { sent += n; }
    void onClosed() override {
      closed = true;
      stream = nullptr;
    }
    void onReset(http::ResetReason reason, std::string_view) override {
      reset = reason;
      stream = nullptr;
    }
    void answer();
    void switchProtocols();

    wire::IoContext* io = nullptr;
    wire::CodecConnection* connection = nullptr;
    http::ResponseStream* stream = nullptr;
    http::RequestHead head;
    bool tunnel = false;
    size_t sent = 0;
  };
  std::deque<Request> requests;
  std::optional<wire::End::Kind> lastEnd;
  bool keepRequests = true;

 private:
  struct Served : wire::CodecConnectionOwner, http::ServerCodecOwner {
    Served(HttpServer& s, std::unique_ptr<net::Transport> transport)
        : server(s), connection(s.io_, std::move(transport), *this) {}
    std::unique_ptr<http::Codec> createCodec(http::Preface preface) override {
      return preface == http::Preface::kHttp2 ? http::createH2ServerCodec(*this, {})
                                              : http::createH1ServerCodec(*this, {});
    }
    void onOutputReady() override { connection.outputReady(); }
    http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override;
    http::Receiver* onBadRequest(http::ResponseStream& stream, int, std::string_view) override {
      return onRequest(stream, {});
    }
    void onEnded(const wire::End& end) override { server.lastEnd = end.kind; }
    HttpServer& server;
    wire::CodecConnection connection;
  };

  wire::IoContext& io_;
  std::deque<std::unique_ptr<Served>> connections_;
};

inline void HttpServer::Request::answer() {
  http::ResponseHead response;
  response.status = 200;
  std::string bytes = body;
  if (head.path.starts_with("/bytes/")) bytes.assign(std::stoul(head.path.substr(7)), 'b');
  if (head.path == "/abort") bytes.assign(100'000, 'a');
  response.headers.add("content-length", std::to_string(bytes.size()));
  response.contentLength = bytes.size();
  stream->sendHeaders(response, bytes.empty());
  if (bytes.empty()) return;
  if (head.path == "/abort") {
    sendBody(*stream, std::string_view(bytes).substr(0, bytes.size() / 2));
    io->scheduler.post([connection = connection] { connection->abort("as asked"); });  // once it has been sent
    return;
  }
  sendBody(*stream, bytes);
  stream->sendEnd();
}

inline void HttpServer::Request::switchProtocols() {
  tunnel = true;
  http::ResponseHead response;
  response.status = 101;
  response.upgrade = head.upgrade;
  stream->sendHeaders(response, false);
}

inline http::Receiver* HttpServer::Served::onRequest(http::ResponseStream& stream, http::RequestHead&& head) {
  if (!server.keepRequests) server.requests.clear();
  server.requests.emplace_back();
  Request& request = server.requests.back();
  request.io = &server.io_;
  request.connection = &connection;
  request.stream = &stream;
  request.head = std::move(head);
  return &request;
}

class HttpClient : wire::CodecConnectionOwner, http::ClientCodecOwner {
 public:
  HttpClient(wire::IoContext& io, const SocketAddress& address, bool http2)
      : codec_(nullptr), connection_(io, address, {}, clientCodec(http2), *this) {}

  struct Call : Incoming, http::ResponseReceiver {
    void onInformational(http::ResponseHead&&) override {}
    void onHeaders(http::ResponseHead&& head) override { status = head.status; }
    void onData(Slice data) override {
      stream->consumed(data.size());
      body += data.view();
    }
    void onTrailers(http::HeaderList&&) override {}
    void onEnd() override {
      ended = true;
      if (whenEnded) whenEnded();
    }
    void onBodySent(size_t) override {}
    void onClosed() override {
      closed = true;
      stream = nullptr;
    }
    void onReset(http::ResetReason reason, std::string_view) override {
      reset = reason;
      stream = nullptr;
    }
    int status = 0;
    http::RequestStream* stream = nullptr;
    std::function<void()> whenEnded;
  };
  /// Requires that the connection takes one more.
  void send(Call& call, const std::string& method, const std::string& path, const std::string& body = {}) {
    http::RequestHead head;
    head.method = method;
    head.authority = "peer";
    head.path = path;
    if (!body.empty()) {
      head.headers.add("content-length", std::to_string(body.size()));
      head.contentLength = body.size();
    }
    if (path == "/tunnel") head.upgrade = "echo";
    call.stream = &codec_->openStream(call);
    call.stream->sendHeaders(head, body.empty());
    if (body.empty()) return;
    sendBody(*call.stream, body);
    call.stream->sendEnd();
  }
  bool ready() const { return ready_ && codec_->canOpenStream(); }
  std::optional<wire::End::Kind> endKind() const { return end_; }
  wire::CodecConnection& connection() { return connection_; }

 private:
  std::unique_ptr<http::Codec> clientCodec(bool http2) {
    auto codec = http2 ? http::createH2ClientCodec(*this, {}) : http::createH1ClientCodec(*this, {});
    codec_ = codec.get();
    return codec;
  }
  void onReady() override { ready_ = true; }
  void onEnded(const wire::End& end) override { end_ = end.kind; }
  void onOutputReady() override {
    if (codec_ != nullptr && ready_) connection_.outputReady();
  }
  void onCapacityChanged() override {}
  void onGoAway(uint32_t, std::string_view) override {}
  void onPingAck(uint64_t) override {}

  http::ClientCodec* codec_;
  bool ready_ = false;
  std::optional<wire::End::Kind> end_;
  wire::CodecConnection connection_;
};

}  // namespace peerpulse::test
