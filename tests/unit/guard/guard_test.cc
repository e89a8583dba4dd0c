// Goal: the guard's thread does what its policy says, with real sockets and a real table, and lets go of everybody in time.
#include "peerpulse/guard/guard.h"

#include <cerrno>
#include <condition_variable>
#include <mutex>

#include <doctest/doctest.h>

#include "own_network.h"

using namespace peerpulse;
using namespace peerpulse::guard;
using health::CircuitState;
using health::CircuitWord;
using health::Verdict;

namespace {

class Recorder : public GuardCallbacks {
 public:
  void onGuard(const GuardChange& change) override {
    const std::lock_guard lock(mutex_);
    changes_.push_back(change);
    happened_.notify_all();
  }
  /// The first change to `state` after the last one that was waited for.
  GuardChange wait(State state) {
    std::unique_lock lock(mutex_);
    GuardChange found;
    const bool came = happened_.wait_for(lock, seconds(10), [&] {
      for (; next_ < changes_.size(); ++next_) {
        if (changes_[next_].to.state != state) continue;
        found = changes_[next_++];
        return true;
      }
      return false;
    });
    REQUIRE(came);
    return found;
  }

 private:
  std::mutex mutex_;
  std::condition_variable happened_;
  std::vector<GuardChange> changes_;
  size_t next_ = 0;
};

/// Peer 0 may die; peer 1 lives.
struct World {
  explicit World(Options options = {}) {
    table.adopt(PeerId{0});
    table.adopt(PeerId{1});
    guard = std::make_unique<Guard>(
        options, "unit",
        std::vector<GuardPeer>{{PeerId{0}, server.address(), true}, {PeerId{1}, addressOf("127.0.0.3:1"), true}},
        Sources{table, stats, [] { return health::LocalState::kOk; }}, recorder);
    const auto opened = guard->open();
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
    beat();
    publish(0, Verdict::kAlive);
    publish(1, Verdict::kAlive);
    guard->start();
  }
  void beat() { table.beat(Clock::now()); }
  void publish(uint32_t peer, Verdict verdict) {
    CircuitWord word;
    word.verdict = verdict;
    word.circuit = verdict == Verdict::kDead ? CircuitState::kOpen : CircuitState::kClosed;
    table.publish(PeerId{peer}, word);
  }
  void die() {
    publish(0, Verdict::kDead);
    guard->wake();
  }
  bool refused() const { return stats.peer(PeerId{0}).guard.state.get() == static_cast<uint64_t>(State::kRefused); }
  /// Peer 1 is heard, the prober beats, until `done`.
  template <typename Done>
  void liveUntil(Done done) {
    const auto begin = Clock::now();
    while (!done()) {
      REQUIRE(Clock::now() - begin < seconds(10));
      beat();
      table.stampHeard(PeerId{1}, Clock::now());
    }
  }

  LocalServer server{addressOf("127.0.0.2:0")};
  health::CircuitTable table;
  stats::Stats stats{{"node2", "node3"}, {"default"}, {"main"}};
  Recorder recorder;
  std::unique_ptr<Guard> guard;
};

int outcome(const SocketAddress& to) { return connectTo(to).valid() ? 0 : errno; }

}  // namespace

TEST_CASE("from a verdict to the sockets, and back") {
  if (!noOwnNetwork().empty()) return;
  World world;
  const Fd outbound = connectTo(world.server.address());
  world.die();
  CHECK(world.recorder.wait(State::kWithheld).to.why == Withheld::kFirstSecond);
  CHECK(readError(outbound) == EAGAIN);
  world.liveUntil([&] { return world.refused(); });
  const GuardChange refused = world.recorder.wait(State::kRefused);
  CHECK(refused.peer == PeerId{0});
  CHECK(refused.sockets.destroyed >= 1);
  CHECK(readError(outbound) == ECONNABORTED);
  const stats::GuardStats& stats = world.stats.peer(PeerId{0}).guard;
  CHECK(stats.destroyed.get() == refused.sockets.destroyed);
  CHECK(stats.refusals.get() == 1);
  CHECK(stats.withheldBy[static_cast<size_t>(Withheld::kFirstSecond)].get() == 1);

  SUBCASE("it lives again") {
    world.publish(0, Verdict::kAlive);
    world.guard->wake();
    CHECK(world.recorder.wait(State::kIdle).from.state == State::kRefused);
    CHECK(outcome(world.server.address()) == 0);
  }
  SUBCASE("the guard ends") {
    world.guard->stop();
    CHECK(outcome(world.server.address()) == 0);
  }
  SUBCASE("the prober stands still") {
    const auto stopped = Clock::now();
    world.beat();
    while (outcome(world.server.address()) != 0)
      REQUIRE(Clock::now() - stopped < seconds(10));
    CHECK(Clock::now() - stopped < seconds(2) + milliseconds(500));
  }
  SUBCASE("it is refused for as long as it is dead") {
    const auto begin = Clock::now();
    world.liveUntil([&] {
      REQUIRE(outcome(world.server.address()) == ECONNREFUSED);
      return Clock::now() - begin > seconds(2);
    });
  }
}

TEST_CASE("nobody else is heard") {
  if (!noOwnNetwork().empty()) return;
  World world;
  const Fd outbound = connectTo(world.server.address());
  world.publish(1, Verdict::kSuspect);
  world.die();
  CHECK(world.recorder.wait(State::kWithheld).to.why == Withheld::kFirstSecond);
  const stats::GuardStats& stats = world.stats.peer(PeerId{0}).guard;
  world.liveUntil([&] { return stats.why.get() == static_cast<uint64_t>(Withheld::kNobodyElse); });
  CHECK(readError(outbound) == EAGAIN);
}

TEST_CASE("nobody else but a witness") {
  if (!noOwnNetwork().empty()) return;
  const LocalServer gateway(addressOf("127.0.0.9:0"));
  Options options;
  options.witness = gateway.address();
  World world(options);
  world.publish(1, Verdict::kSuspect);
  world.die();
  world.liveUntil([&] { return world.refused(); });
  CHECK(outcome(world.server.address()) == ECONNREFUSED);
}
