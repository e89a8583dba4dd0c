// A worker's carrying half in memory, on virtual time: clients, a Listener, and a scripted peer (MemoryPeer) behind it. The
// test is the prober, and whoever accepts and sweeps.
#pragma once

#include <algorithm>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "memory_listener.h"
#include "memory_network.h"
#include "memory_peer.h"
#include "memory_transport.h"
#include "peerpulse/proxy/listener.h"
#include "scripted_client.h"
#include "virtual_scheduler.h"

namespace peerpulse::proxy::test {

using peerpulse::test::ClientRequest;
using peerpulse::test::MemoryPeer;
using peerpulse::test::ServedRequest;
using peerpulse::test::TestClient;

inline constexpr PeerId kPeer{0};

struct Outcomes : health::OutcomeSink {
  void record(const health::OutcomeRecord& record) override { seen.push_back(record); }
  std::vector<health::OutcomeRecord> seen;
};

/// A client that says what it is told, byte for byte.
class RawClient : net::TransportEvents {
 public:
  explicit RawClient(std::unique_ptr<net::Transport> transport) : transport_(std::move(transport)) {
    transport_->attach(*this);
    transport_->watch(net::ready::kWrite);
  }
  /// Once connected.
  void say(std::string_view bytes) {
    const iovec entry{const_cast<char*>(bytes.data()), bytes.size()};
    REQUIRE(transport_->write(&entry, 1).bytes == bytes.size());
  }
  bool connected = false;
  std::string heard;
  bool ended = false;
  int error = 0;
  bool over() const { return ended || error != 0; }

 private:
  void onTransportReady(uint32_t) override {
    if (!connected) {
      connected = true;
      REQUIRE(transport_->connectResult() == 0);
      transport_->watch(net::ready::kRead);
      return;
    }
    char bytes[4096];
    const iovec entry{bytes, sizeof bytes};
    const net::IoResult result = transport_->read(&entry, 1);
    if (result.status == net::IoResult::Status::kOk) heard.append(bytes, result.bytes);
    if (result.status == net::IoResult::Status::kEnd) ended = true;
    if (result.status == net::IoResult::Status::kError) error = result.error;
    if (over()) transport_->watch(0);
  }
  std::unique_ptr<net::Transport> transport_;
};

class ProxyWorld {
 public:
  using Configure = std::function<void(ProxyOptions&)>;

  explicit ProxyWorld(const Configure& configure = {})
      : clientHost(network.addHost("10.0.0.1")),
        here(network.addHost("10.0.0.2")),
        there(network.addHost("10.0.0.3")),
        clientConnector(network, clientHost, outside),
        connector(network, here, loop),
        peerConnector(network, there, outside),
        clientIo(outside, clientConnector),
        peerIo(outside, peerConnector),
        remote(network, there, outside, peerIo, *SocketAddress::parse("10.0.0.3:9000")),
        port(network, here, *SocketAddress::parse("10.0.0.2:9000")),
        snapshot(std::make_shared<const Snapshot>(1, optionsWith(configure))) {
    for (const auto a : {clientHost, here})
      network.setPaths(a, a == here ? there : here, {microseconds(100), {}, 0, milliseconds(5)});
    context = std::make_unique<WorkerContext>(
        loop, connector, SharedState{table, trials, stats, outcomes, "peerpulse-test", "peerpulse-store"}, snapshot,
        1);
    listener = std::make_unique<Listener>(*context, snapshot->options.peers[0]);
    acceptor_ = std::make_unique<peerpulse::test::MemoryAcceptor>(
        loop, port, [this](std::unique_ptr<net::Transport> transport) { listener->accept(std::move(transport)); });
    change(health::Verdict::kAlive);
    beat_ = loop.createTimer([this] {
      table.beat(loop.now());
      beat_->enable(milliseconds(100));
    });
    table.beat(loop.now());
    beat_->enable(Duration::zero());
  }
  ~ProxyWorld() {
    clients.clear();
    rawClients.clear();
    remote.connections.clear();
    acceptor_.reset();
    listener.reset();
    loop.clearDeferred();
    context.reset();
    loop.clearDeferred();
    outside.clearDeferred();
  }
  ProxyWorld(const ProxyWorld&) = delete;
  ProxyWorld& operator=(const ProxyWorld&) = delete;

  ProxyOptions optionsWith(const Configure& configure) const {
    ProxyOptions options;
    options.accessLog.mode = AccessLogOptions::Mode::kOff;
    options.timeouts = {{{seconds(2), seconds(10), Duration::zero(), 0},
                         {seconds(3), Duration::zero(), seconds(10), 0},
                         {seconds(3), Duration::zero(), Duration::zero(), 0}}};
    options.routes = {{"upload", "PUT", "/bulk", "", upstream::TrafficClass::kBulk},
                      {"default", "", "", "", upstream::TrafficClass::kControl}};
    options.peers.resize(1);
    options.peers[0].name = "node2";
    options.peers[0].address = remote.listener.address();
    if (configure) configure(options);
    return options;
  }
  static void refuses(ProxyOptions& options) { options.peers[0].onDead = OnDead::kRefuse; }

  TestClient& client(bool http2) {
    clients.push_back(std::make_unique<TestClient>(clientIo, port.address(), http2));
    TestClient& client = *clients.back();
    until([&] { return client.ready; });
    return client;
  }
  RawClient& rawClient() {
    auto transport = clientConnector.connect(port.address(), {});
    REQUIRE(transport);
    rawClients.push_back(std::make_unique<RawClient>(std::move(*transport)));
    until([&] { return rawClients.back()->connected; });
    settle();
    return *rawClients.back();
  }
  /// Sends a request, and waits until the peer has it.
  ClientRequest& sent(TestClient& client, const std::string& method, const std::string& path,
                      const std::string& body = "") {
    const size_t before = remote.requests.size();
    ClientRequest& request = client.send(method, path, body);
    until([&] { return remote.requests.size() > before; });
    return request;
  }
  /// Asks for a tunnel, and waits until there is one.
  ClientRequest& tunnel(TestClient& client) {
    const size_t before = remote.requests.size();
    ClientRequest& request = client.upgrade("/tunnel");
    until([&] { return remote.requests.size() > before; });
    remote.last().switchProtocols();
    until([&] { return request.gotHead; });
    return request;
  }
  void answered(TestClient& client, const std::string& path = "/ok") {
    ClientRequest& request = client.send("GET", path);
    until([&] { return request.done(); });
    CHECK(request.head.status == 200);
  }

  void change(health::Verdict verdict, health::CircuitState circuit = health::CircuitState::kClosed) {
    health::CircuitWord word;
    word.verdict = verdict;
    word.circuit = circuit;
    word.reason = health::Reason::kProbeSilence;
    table.publish(kPeer, word);
    if (upstream::Peer* peer = context->peers.find(kPeer)) peer->onCircuitChange(time.now());
    listener->onCircuitChange();
  }
  /// It beats no more.
  void stopProber() { beat_->disable(); }
  void die() { change(health::Verdict::kDead, health::CircuitState::kOpen); }
  /// A reload.
  void apply(const Configure& configure) {
    snapshot = std::make_shared<const Snapshot>(snapshot->version + 1, optionsWith(configure));
    context->apply(snapshot);
  }
  void sweep() { listener->sweep(); }

  template <typename Condition>
  void until(Condition condition, Duration limit = seconds(60)) {
    REQUIRE(time.runUntil(condition, limit));
  }
  void run(Duration duration) { time.runFor(duration); }
  void settle() { run(milliseconds(2)); }
  const stats::PeerStats& peerStats() const { return stats.peer(kPeer); }
  uint64_t failedBy(std::string_view party) const {
    const auto& names = stats::kPartyNames;
    const auto at = std::find(names.begin(), names.end(), party);
    REQUIRE(at != names.end());
    return peerStats().failuresBy[static_cast<size_t>(at - names.begin())].get();
  }
  uint64_t uploadsFailed(stats::UploadFailure reason) const {
    return stats.uploads.failures[static_cast<size_t>(reason)].get();
  }

  peerpulse::test::VirtualTime time;
  peerpulse::test::VirtualScheduler loop{time}, outside{time};
  peerpulse::test::MemoryNetwork network{time};
  const peerpulse::test::HostId clientHost, here, there;
  peerpulse::test::MemoryConnector clientConnector, connector, peerConnector;
  wire::IoContext clientIo, peerIo;
  MemoryPeer remote;
  peerpulse::test::MemoryListener port;
  health::CircuitTable table{4};
  health::TrialPermits trials{4};
  stats::Stats stats{{"node2", "node3"}, {"upload", "default"}, {"worker0"}};
  Outcomes outcomes;
  SnapshotRef snapshot;
  std::unique_ptr<WorkerContext> context;
  std::unique_ptr<Listener> listener;
  std::list<std::unique_ptr<TestClient>> clients;
  std::list<std::unique_ptr<RawClient>> rawClients;

 private:
  std::unique_ptr<peerpulse::test::MemoryAcceptor> acceptor_;
  std::unique_ptr<event::Timer> beat_;
};

}  // namespace peerpulse::proxy::test
