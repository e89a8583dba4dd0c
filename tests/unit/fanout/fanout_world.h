// One worker's share of the fan-out API in memory, on virtual time: callers, an Api, and three scripted peers. The test is
// the prober, and whoever sweeps.
#pragma once

#include <array>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "memory_listener.h"
#include "memory_network.h"
#include "memory_peer.h"
#include "memory_transport.h"
#include "peerpulse/fanout/api.h"
#include "scripted_client.h"
#include "virtual_scheduler.h"

namespace peerpulse::fanout::test {

using peerpulse::test::ClientRequest;
using peerpulse::test::MemoryPeer;
using peerpulse::test::TestClient;

/// What the prober would be told.
struct SeenOutcomes : health::OutcomeSink {
  void record(const health::OutcomeRecord& record) override { seen.push_back(record); }
  std::vector<health::OutcomeRecord> seen;
};

/// Peers are node2 to node4, this is node1. The set "set0" has its shard 0 on node2, and spares on the others.
class FanoutWorld {
 public:
  static constexpr size_t kPeers = 3;

  explicit FanoutWorld(const std::function<void(Options&)>& configure = {})
      : callerHost(network.addHost("10.0.1.1")),
        here(network.addHost("10.0.0.1")),
        callerConnector(network, callerHost, outside),
        connector(network, here, loop),
        callerIo(outside, callerConnector),
        io(loop, connector),
        port(network, here, *SocketAddress::parse("10.0.0.1:9902")),
        options(optionsWith(configure)),
        budget(options),
        upstream{io, table, trials, outcomes, stats, upstreamOptions(), {}, std::minstd_rand(1)},
        peers(upstream) {
    network.setPaths(callerHost, here, {microseconds(100), {}, 0, milliseconds(5)});
    std::vector<upstream::PeerOptionsRef> set;
    for (size_t i = 0; i < kPeers; ++i) {
      const std::string host = "10.0.0." + std::to_string(i + 2);
      const auto id = network.addHost(host);
      network.setPaths(id, here, {microseconds(100), {}, 0, milliseconds(5)});
      connectors_.push_back(std::make_unique<peerpulse::test::MemoryConnector>(network, id, outside));
      ios_.push_back(std::make_unique<wire::IoContext>(outside, *connectors_.back()));
      const SocketAddress address = *SocketAddress::parse(host + ":9000");
      remotes.push_back(std::make_unique<MemoryPeer>(network, id, outside, *ios_.back(), address));
      auto peer = std::make_shared<upstream::PeerOptions>();
      peer->id = PeerId{static_cast<uint32_t>(i)};
      peer->name = "node" + std::to_string(i + 2);
      peer->address = address;
      set.push_back(peer);
    }
    const auto peerSet = std::make_shared<const upstream::PeerSet>(1, set);
    peers.apply(*peerSet);
    api = std::make_unique<Api>(
        Environment{loop, io, upstream.limits, upstream, peers, peerSet, options, budget, "peerpulse-test"});
    acceptor_ = std::make_unique<peerpulse::test::MemoryAcceptor>(
        loop, port, [this](std::unique_ptr<net::Transport> transport) { api->accept(std::move(transport)); });
    for (size_t i = 0; i < kPeers; ++i)
      change(i, health::Verdict::kAlive);
    beat_ = loop.createTimer([this] {
      table.beat(loop.now());
      api->sweep();
      beat_->enable(milliseconds(100));
    });
    table.beat(loop.now());
    beat_->enable(Duration::zero());
  }
  ~FanoutWorld() {
    callers.clear();
    for (const auto& remote : remotes)
      remote->connections.clear();
    acceptor_.reset();
    api->abortAll();
    loop.clearDeferred();
    CHECK(stats.fanout.running.get() == 0);
    for (size_t i = 0; i < kPeers; ++i)
      CHECK(stats.peer(PeerId{static_cast<uint32_t>(i)}).inFlight.get() == 0);
    api.reset();
    CHECK(budget.operations() == 0);
    CHECK(budget.bytes() == 0);
    loop.clearDeferred();
    outside.clearDeferred();
  }
  FanoutWorld(const FanoutWorld&) = delete;
  FanoutWorld& operator=(const FanoutWorld&) = delete;

  TestClient& caller(bool http2 = true) {
    callers.push_back(std::make_unique<TestClient>(callerIo, port.address(), http2));
    until([&] { return callers.back()->ready; });
    return *callers.back();
  }
  /// Sends it on a connection of its own, with the whole body.
  ClientRequest& ask(const std::string& method, const std::string& path, const std::string& body = "",
                     const std::vector<std::pair<std::string, std::string>>& fields = {}) {
    http::HeaderList headers;
    for (const auto& [name, value] : fields)
      headers.add(name, value);
    return caller().send(method, path, body, headers);
  }
  /// Its answer; it must come.
  nlohmann::json answerTo(ClientRequest& request) {
    until([&] { return request.done(); });
    CHECK_FALSE(request.wasReset);
    return nlohmann::json::parse(request.body);
  }
  void change(size_t peer, health::Verdict verdict, health::CircuitState circuit = health::CircuitState::kClosed) {
    health::CircuitWord word;
    word.verdict = verdict;
    word.circuit = circuit;
    word.reason = health::Reason::kProbeSilence;
    const PeerId id{static_cast<uint32_t>(peer)};
    table.publish(id, word);
    peers.find(id)->onCircuitChange(time.now());
  }
  void die(size_t peer) { change(peer, health::Verdict::kDead, health::CircuitState::kOpen); }
  MemoryPeer& remote(size_t peer) { return *remotes[peer]; }

  template <typename Condition>
  void until(Condition condition, Duration limit = seconds(120)) {
    REQUIRE(time.runUntil(condition, limit));
  }
  void run(Duration duration) { time.runFor(duration); }
  void settle() { run(milliseconds(5)); }

  peerpulse::test::VirtualTime time;
  peerpulse::test::VirtualScheduler loop{time}, outside{time};
  peerpulse::test::MemoryNetwork network{time};
  const peerpulse::test::HostId callerHost, here;
  peerpulse::test::MemoryConnector callerConnector, connector;
  wire::IoContext callerIo, io;

 private:
  std::vector<std::unique_ptr<peerpulse::test::MemoryConnector>> connectors_;
  std::vector<std::unique_ptr<wire::IoContext>> ios_;

 public:
  std::vector<std::unique_ptr<MemoryPeer>> remotes;
  peerpulse::test::MemoryListener port;
  health::CircuitTable table{4};
  health::TrialPermits trials{4};
  stats::Stats stats{{"node2", "node3", "node4"}, {"default"}, {"worker0"}};
  SeenOutcomes outcomes;
  const Options options;
  Budget budget;
  upstream::Context upstream;
  upstream::Peers peers;
  std::unique_ptr<Api> api;
  std::list<std::unique_ptr<TestClient>> callers;

 private:
  static Options optionsWith(const std::function<void(Options&)>& configure) {
    Options options;
    options.erasureSets = {{"set0", {{"node2", "d/1"}}, {{"node3", "d/2"}, {"node4", "d/3"}}}};
    if (configure) configure(options);
    return options;
  }
  static upstream::OptionsRef upstreamOptions() {
    auto options = std::make_shared<upstream::Options>();
    options->timeouts = {{{seconds(2), seconds(10), Duration::zero(), 0},
                          {seconds(3), Duration::zero(), seconds(10), 0},
                          {seconds(3), Duration::zero(), Duration::zero(), 0}}};
    return options;
  }
  std::unique_ptr<peerpulse::test::MemoryAcceptor> acceptor_;
  std::unique_ptr<event::Timer> beat_;
};

}  // namespace peerpulse::fanout::test
