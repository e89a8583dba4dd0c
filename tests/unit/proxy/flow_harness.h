// A whole worker in one thread: real sockets on loopback, a scripted peer behind it (tests/support), a client before
// it, and the circuit table in the test's hand.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "peerpulse/net/plain_transport.h"
#include "peerpulse/proxy/listener.h"
#include "scripted_peer.h"

namespace peerpulse::proxy::test {

using peerpulse::test::TestPeer;

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

/// One connection of a client.
class TestClient : public peerpulse::test::EndRecorder, http::ClientCodecOwner {
 public:
  TestClient(wire::IoContext& io, const SocketAddress& address, bool http2) {
    auto codec = http2 ? http::createH2ClientCodec(*this, {}) : http::createH1ClientCodec(*this, {});
    client_ = codec.get();
    connection = std::make_unique<wire::CodecConnection>(io, address, net::SocketOptions(), std::move(codec), *this);
  }

  ClientRequest& send(const std::string& method, const std::string& path, const std::string& body = "",
                      const std::string& contentType = "") {
    http::RequestHead head = headOf(method, path, contentType);
    head.complete = body.empty();
    if (!body.empty()) {
      head.contentLength = body.size();
      head.headers.add("content-length", std::to_string(body.size()));
    }
    ClientRequest& request = open(head, body.empty());
    if (!body.empty()) {
      request.stream->sendData(Slice::copyOf(body));
      request.stream->sendEnd();
    }
    connection->outputReady();
    return request;
  }
  /// Sends the head alone; the rest is the test's.
  ClientRequest& open(const http::RequestHead& head, bool end) {
    requests.push_back(std::make_unique<ClientRequest>());
    ClientRequest& request = *requests.back();
    request.stream = &client_->openStream(request);
    request.stream->sendHeaders(head, end);
    connection->outputReady();
    return request;
  }
  static http::RequestHead headOf(const std::string& method, const std::string& path,
                                  const std::string& contentType = "") {
    http::RequestHead head;
    head.method = method;
    head.path = path;
    head.authority = "node2:9000";
    if (!contentType.empty()) head.headers.add("content-type", contentType);
    return head;
  }

  std::list<std::unique_ptr<ClientRequest>> requests;
  std::unique_ptr<wire::CodecConnection> connection;

 private:
  void onOutputReady() override {
    if (connection) connection->outputReady();
  }
  void onCapacityChanged() override {}
  void onGoAway(uint32_t, std::string_view) override {}
  void onPingAck(uint64_t) override {}

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
        connector_(dispatcher),
        io_(dispatcher, connector_),
        peer(dispatcher, io_) {
    ProxyOptions options;
    options.accessLog.mode = AccessLogOptions::Mode::kOff;
    options.timeouts = {{{seconds(2), seconds(10), Duration::zero(), 0},
                         {seconds(3), Duration::zero(), seconds(10), 1024 * 1024},
                         {seconds(3), Duration::zero(), Duration::zero(), 0}}};
    options.routes = {{"default", "", "", "", upstream::TrafficClass::kControl}};
    options.peers.resize(1);
    options.peers[0].name = "node2";
    options.peers[0].address = peer.listener->address();
    if (configure) configure(options);
    auto bound = net::ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
    REQUIRE(bound);
    socket = std::move(*bound);
    const auto snapshot = std::make_shared<const Snapshot>(1, options);
    context = std::make_unique<WorkerContext>(dispatcher, connector_, SharedState{table, trials, stats, outcomes},
                                              snapshot, 1);
    listener = std::make_unique<Listener>(*context, options.peers[0]);
    acceptor_ = std::make_unique<net::Acceptor>(dispatcher, *socket, [this](Fd fd) {
      listener->accept(net::PlainTransport::accepted(dispatcher, std::move(fd)));
    });
    setVerdict(health::Verdict::kAlive, health::CircuitState::kClosed);
    table.beat(dispatcher.now());
  }
  ~Flow() {
    clients.clear();
    acceptor_.reset();
    listener.reset();
    dispatcher.clearDeferred();
    context.reset();
    dispatcher.clearDeferred();
  }

  TestClient& client() {
    clients.push_back(std::make_unique<TestClient>(io_, socket->address(), http2_));
    return *clients.back();
  }
  upstream::Peer& upstreamPeer() { return *context->peers.find(PeerId{0}); }

  void setVerdict(health::Verdict verdict, health::CircuitState circuit) {
    health::CircuitWord word;
    word.verdict = verdict;
    word.circuit = circuit;
    word.reason = health::Reason::kProbeSilence;
    table.publish(PeerId{0}, word);
    upstreamPeer().onCircuitChange(dispatcher.now());
    listener->onCircuitChange();
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
  health::CircuitTable table;
  health::TrialPermits trials;
  stats::Stats stats;
  Outcomes outcomes;

 private:
  bool http2_;
  net::PlainConnector connector_;
  wire::IoContext io_;  // of the peer and the clients

 public:
  TestPeer peer;
  std::unique_ptr<net::ListenSocket> socket;
  std::unique_ptr<WorkerContext> context;
  std::unique_ptr<Listener> listener;
  std::list<std::unique_ptr<TestClient>> clients;

 private:
  std::unique_ptr<net::Acceptor> acceptor_;
};

}  // namespace peerpulse::proxy::test
