// A worker's upstream half, real down to its transports, and its peer in memory (MemoryPeer), on virtual time. The test is
// the prober. After every step of the world an invariant is asked.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "memory_network.h"
#include "memory_peer.h"
#include "memory_transport.h"
#include "peerpulse/upstream/context.h"
#include "virtual_scheduler.h"

namespace peerpulse::upstream::test {

using peerpulse::test::MemoryPeer;
using peerpulse::test::ServedRequest;

struct Outcomes : health::OutcomeSink {
  void record(const health::OutcomeRecord& record) override { seen.push_back(record); }
  std::vector<health::OutcomeRecord> seen;
};

inline constexpr PeerId kPeer{0};

class World {
 public:
  using Configure = std::function<void(Options&)>;

  explicit World(const Configure& configure = {})
      : here(network.addHost("10.0.0.1")),
        there(network.addHost("10.0.0.2")),
        connector(network, here, loop),
        remoteConnector(network, there, remoteLoop),
        io(loop, connector),
        remoteIo(remoteLoop, remoteConnector),
        remote(network, there, remoteLoop, remoteIo, *SocketAddress::parse("10.0.0.2:9000")),
        context{io, table, trials, outcomes, stats, optionsWith(configure), {}, std::minstd_rand(1)} {
    network.setPaths(here, there, {kDelay, {}, 0, milliseconds(5)});
    publish(health::Verdict::kAlive);
    beat_ = loop.createTimer([this] {
      table.beat(loop.now());
      beat_->enable(milliseconds(100));
    });
    beat_->enable(Duration::zero());
    table.beat(loop.now());
  }
  ~World() {
    invariant = nullptr;
    remote.connections.clear();
    loop.clearDeferred();
    remoteLoop.clearDeferred();
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  static constexpr Duration kDelay = microseconds(100);

  /// `id` of the same name in the statistics.
  PeerOptionsRef peerOptions(PeerId id = kPeer, Protocol protocol = Protocol::kAuto) const {
    PeerOptions options;
    options.id = id;
    options.name = "node" + std::to_string(slot(id) + 2);
    options.address = remote.listener.address();
    options.protocol = protocol;
    return std::make_shared<const PeerOptions>(options);
  }
  static OptionsRef optionsWith(const Configure& configure) {
    Options options;
    options.timeouts = {{{seconds(2), seconds(10), Duration::zero(), 0},
                         {seconds(3), Duration::zero(), seconds(10), 1024 * 1024},
                         {seconds(3), Duration::zero(), Duration::zero(), 0}}};
    if (configure) configure(options);
    return std::make_shared<const Options>(options);
  }

  void publish(health::Verdict verdict, health::CircuitState circuit = health::CircuitState::kClosed,
               PeerId id = kPeer) {
    health::CircuitWord word;
    word.verdict = verdict;
    word.circuit = circuit;
    word.reason = health::Reason::kProbeSilence;
    table.publish(id, word);
  }
  /// From here on verdicts are stale, after a second.
  void stopProber() { beat_->disable(); }

  /// Until `condition` holds; fails the test if it does not within `limit`.
  template <typename Condition>
  void until(Condition condition, Duration limit = seconds(60)) {
    const bool reached = time.runUntil(
        [&] {
          check();
          return condition();
        },
        limit);
    REQUIRE(reached);
  }
  void run(Duration duration) {
    const TimePoint end = time.now() + duration;
    while (time.stepBefore(end + nanoseconds(1)))
      check();
    time.advanceTo(end);
  }
  /// A moment in which everything on its way arrives and is answered.
  void settle() { run(10 * kDelay); }
  stats::PeerStats& peerStats(PeerId id = kPeer) { return stats.peer(id); }

  peerpulse::test::VirtualTime time;
  peerpulse::test::VirtualScheduler loop{time}, remoteLoop{time};
  peerpulse::test::MemoryNetwork network{time};
  const peerpulse::test::HostId here, there;
  peerpulse::test::MemoryConnector connector, remoteConnector;
  wire::IoContext io, remoteIo;
  MemoryPeer remote;
  health::CircuitTable table{4};
  health::TrialPermits trials{4};
  stats::Stats stats{{"node2", "node3", "node4", "node5"}, {"default"}, {"worker0"}};
  Outcomes outcomes;
  Context context;
  std::function<bool()> invariant;

 private:
  void check() const {
    if (invariant) REQUIRE(invariant());
  }

  std::unique_ptr<event::Timer> beat_;
  LoopWatch loopWatch_{loop, context.loopTime};
};

}  // namespace peerpulse::upstream::test
