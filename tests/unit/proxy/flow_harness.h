// A whole worker in one thread: real sockets on loopback, a scripted peer behind it, a client before it, and the
// circuit table in the test's hand. What the peer does is chosen by the request's path:
//   /ok 200 "hello"   /echo the body, streamed back   /hang never answers   /half head and some body, then nothing
//   /refuse-once REFUSED_STREAM the first time, then as /ok   /trailers-only gRPC answer without a body
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "peerpulse/http/codec.h"
#include "peerpulse/net/connection.h"
#include "peerpulse/net/flush_queue.h"
#include "peerpulse/net/listener.h"
#include "peerpulse/proxy/peer_proxy.h"

namespace peerpulse::proxy::test {

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

/// One request of the client and what came back.
struct ClientRequest : http::ResponseReceiver {
  http::RequestStream* stream = nullptr;
  http::ResponseHead head;
  std::string body;
  http::HeaderList trailers;
  bool gotHead = false, ended = false, closed = false, wasReset = false;
  http::ResetReason reset{};
  void onInformational(http::ResponseHead&&) override {}
  void onHeaders(http::ResponseHead&& h) override {
    gotHead = true;
    head = std::move(h);
  }
  void onData(Slice data) override {
    body += data.view();
    stream->consumed(data.size());
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

class TestClient : public CodecConnection, public http::ClientCodecOwner {
 public:
  TestClient(event::Dispatcher& dispatcher, net::ReadBlocks& blocks, net::FlushQueue& queue,
             const SocketAddress& address, bool http2)
      : CodecConnection(dispatcher, queue) {
    auto client = http2 ? http::createH2ClientCodec(*this, {}) : http::createH1ClientCodec(*this, {});
    client_ = client.get();
    codec = std::move(client);
    connection = net::Connection::connectTo(dispatcher, blocks, address, {}, *this);
  }
  void onOutputReady() override { outputReady(); }
  void onCapacityChanged() override {}
  void onGoAway(uint32_t, std::string_view) override {}
  void onPingAck(uint64_t) override {}

  ClientRequest& send(const std::string& method, const std::string& path, const std::string& body = "",
                      const std::string& contentType = "") {
    requests.push_back(std::make_unique<ClientRequest>());
    ClientRequest& request = *requests.back();
    http::RequestHead head;
    head.method = method;
    head.path = path;
    head.authority = "node2:9000";
    head.complete = body.empty();
    if (!contentType.empty()) head.headers.add("content-type", contentType);
    if (!body.empty()) {
      head.contentLength = body.size();
      head.headers.add("content-length", std::to_string(body.size()));
    }
    request.stream = &client_->openStream(request);
    request.stream->sendHeaders(head, body.empty());
    if (!body.empty()) {
      request.stream->sendData(Slice::copyOf(body));
      request.stream->sendEnd();
    }
    outputReady();
    return request;
  }
  std::list<std::unique_ptr<ClientRequest>> requests;

 private:
  http::ClientCodec* client_;
};

struct Outcomes : health::OutcomeSink {
  void record(const health::OutcomeRecord& r) override { seen.push_back(r); }
  std::vector<health::OutcomeRecord> seen;
};

/// The worker under test. `configure` may change the options before anything runs.
class Flow {
 public:
  explicit Flow(bool http2, const std::function<void(ProxyOptions&)>& configure = {})
      : table(1),
        trials(1),
        stats({"node2"}, {"default"}, {"worker0"}),
        http2_(http2),
        queue_(dispatcher),
        peer(dispatcher, blocks_, queue_) {
    options.accessLog = false;
    options.timeouts = {{{seconds(2), seconds(10), Duration::zero(), 0},
                         {seconds(3), Duration::zero(), seconds(10), 1024 * 1024},
                         {seconds(3), Duration::zero(), Duration::zero(), 0}}};
    options.routes = {{"default", "", "", "", upstream::TrafficClass::kControl}};
    options.peers.resize(1);
    options.peers[0].name = "node2";
    options.peers[0].address = peer.listener->address();
    if (configure) configure(options);
    auto socket = net::ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
    REQUIRE(socket);
    listener = std::move(*socket);
    context = std::make_unique<WorkerContext>(dispatcher, shared, 1);
    proxy = std::make_unique<PeerProxy>(*context, options.peers[0], *listener);
    setVerdict(health::Verdict::kAlive, health::CircuitState::kClosed);
    table.beat(dispatcher.now());
  }
  ~Flow() {
    clients.clear();
    proxy.reset();
    dispatcher.clearDeferred();
    context.reset();
  }

  TestClient& client() {
    clients.push_back(std::make_unique<TestClient>(dispatcher, blocks_, queue_, listener->address(), http2_));
    return *clients.back();
  }

  void setVerdict(health::Verdict verdict, health::CircuitState circuit) {
    health::CircuitWord word;
    word.verdict = verdict;
    word.circuit = circuit;
    word.reason = health::Reason::kProbeSilence;
    table.publish(PeerId{0}, word);
    if (proxy) proxy->onCircuitChange();
  }

  /// Runs the loop until `condition` holds; fails the test after ten seconds.
  template <typename Condition>
  void until(Condition condition) {
    const TimePoint stop = dispatcher.now() + seconds(10);
    auto timer = dispatcher.createTimer([] {});
    std::function<void()> check = [&] {
      table.beat(dispatcher.now());
      if (condition() || dispatcher.now() > stop) {
        dispatcher.exit();
      } else {
        timer->enable(microseconds(200));
      }
    };
    timer = dispatcher.createTimer(check);
    timer->enable(Duration::zero());
    dispatcher.run();
    REQUIRE(condition());
  }

  event::Dispatcher dispatcher;
  ProxyOptions options;
  health::CircuitTable table;
  health::TrialPermits trials;
  stats::Stats stats;
  Outcomes outcomes;
  SharedState shared{options, table, trials, stats, outcomes};

 private:
  bool http2_;
  net::ReadBlocks blocks_;
  net::FlushQueue queue_;

 public:
  TestPeer peer;
  std::unique_ptr<net::ListenSocket> listener;
  std::unique_ptr<WorkerContext> context;
  std::unique_ptr<PeerProxy> proxy;
  std::list<std::unique_ptr<TestClient>> clients;
};

}  // namespace peerpulse::proxy::test
