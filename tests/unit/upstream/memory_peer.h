// A peer in memory: serves h1 and h2 on one port of a host. It answers by the request's path, or leaves it to the test:
//   /ok 200 "hello"   /echo the body, when it is complete   /refuse-once REFUSED_STREAM the first time, then as /ok
//   /hold takes nothing of the body   others: the test's (requests.back())
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "memory_listener.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/wire/codec_connection.h"

namespace peerpulse::upstream::test {

/// The peer's side of one request.
struct Served : http::Receiver {
  http::ResponseStream* stream = nullptr;
  http::RequestHead head;
  std::string body;
  http::HeaderList trailers;
  bool takes = true;  ///< gives credit for the body
  bool ended = false, closed = false, wasReset = false;
  http::ResetReason reset{};

  void answer(int status, const std::string& text, const http::HeaderList& trailing = {}) {
    begin(status, trailing.empty() ? std::optional<size_t>(text.size()) : std::nullopt,
          text.empty() && trailing.empty());
    if (text.empty() && trailing.empty()) return;
    if (!text.empty()) stream->sendData(Slice::copyOf(text));
    stream->sendEnd(trailing);
  }
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
  void onBodySent(size_t) override {}
  void onClosed() override {
    closed = true;
    stream = nullptr;
  }
  void onReset(http::ResetReason reason, std::string_view) override {
    wasReset = true;
    reset = reason;
    stream = nullptr;
  }
};

class MemoryPeer {
 public:
  MemoryPeer(peerpulse::test::MemoryNetwork& network, peerpulse::test::HostId host,
             peerpulse::test::VirtualScheduler& loop, wire::IoContext& io, const SocketAddress& address)
      : listener(network, host, address),
        io_(io),
        acceptor_(std::make_unique<peerpulse::test::MemoryAcceptor>(
            loop, listener, [this](std::unique_ptr<net::Transport> transport) {
              connections.push_back(std::make_unique<Connection>(*this, std::move(transport)));
            })) {}

  class Connection : wire::CodecConnectionOwner, http::ServerCodecOwner {
   public:
    Connection(MemoryPeer& peer, std::unique_ptr<net::Transport> transport)
        : peer_(peer), wire_(peer.io_, std::move(transport), *this) {}
    /// FIN; on h2 after GOAWAY.
    void close() { wire_.close("closed by the test"); }
    /// RST.
    void abort() { wire_.abort("aborted by the test"); }
    /// These bytes, whatever they are, and FIN.
    void say(std::string_view bytes) { wire_.closeWith(bytes, "closed by the test"); }
    /// GOAWAY at once: what is still on its way is not served.
    void goAway() {
      wire_.codec()->drain();
      wire_.codec()->drain();
    }
    bool ended = false;
    wire::End::Kind end{};
    int endError = 0;

   private:
    std::unique_ptr<http::Codec> createCodec(http::Preface preface) override {
      return preface == http::Preface::kHttp2 ? http::createH2ServerCodec(*this, peer_.limits)
                                              : http::createH1ServerCodec(*this, peer_.limits);
    }
    void onOutputReady() override { wire_.outputReady(); }
    http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override {
      peer_.requests.push_back(std::make_unique<Served>());
      Served& request = *peer_.requests.back();
      request.stream = &stream;
      request.head = std::move(head);
      peer_.script(request);
      return &request;
    }
    http::Receiver* onBadRequest(http::ResponseStream& stream, int status, std::string_view) override {
      ++peer_.badRequests;
      peer_.requests.push_back(std::make_unique<Served>());
      peer_.requests.back()->stream = &stream;
      peer_.requests.back()->answer(status, "");
      return peer_.requests.back().get();
    }
    void onEnded(const wire::End& how) override {
      ended = true;
      end = how.kind;
      endError = how.error;
    }
    MemoryPeer& peer_;
    wire::CodecConnection wire_;
  };

  size_t openConnections() const {
    size_t open = 0;
    for (const auto& connection : connections)
      open += connection->ended ? 0U : 1U;
    return open;
  }
  Served& last() { return *requests.back(); }

  peerpulse::test::MemoryListener listener;
  http::CodecLimits limits;
  std::list<std::unique_ptr<Connection>> connections;
  std::list<std::unique_ptr<Served>> requests;
  std::function<void(Served&)> onRequest;  ///< before the script
  int badRequests = 0;

 private:
  void script(Served& request) {
    if (onRequest) onRequest(request);
    if (request.stream == nullptr) return;
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
  }

  wire::IoContext& io_;
  std::unique_ptr<peerpulse::test::MemoryAcceptor> acceptor_;
  int refusals_ = 0;
};

}  // namespace peerpulse::upstream::test
