// A whole worker in one thread: real sockets on loopback, a scripted peer behind it (tests/support), a client before
// it, and the circuit table in the test's hand.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "peerpulse/proxy/peer_proxy.h"
#include "scripted_peer.h"

namespace peerpulse::proxy::test {

using peerpulse::test::CodecConnection;
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
    if (proxy) proxy->onCircuitChange(dispatcher.now());
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
