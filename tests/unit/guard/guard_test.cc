// Goal: the guard's thread does what its policy says, with real sockets and a real table, and lets go of everybody in time.
#include "peerpulse/guard/guard.h"

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>

#include <doctest/doctest.h>

#include "own_network.h"
#include "peerpulse/netlink/table_claim.h"

using namespace peerpulse;
using namespace peerpulse::guard;
using health::CircuitState;
using health::CircuitWord;
using health::Verdict;

namespace {

class Recorder : public GuardCallbacks {
 public:
  void onTableFailed(const Error& error) override {
    CHECK(error.code == EPERM);
    ++tableFailures;
  }
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

  std::atomic<int> tableFailures{0};

 private:
  std::mutex mutex_;
  std::condition_variable happened_;
  std::vector<GuardChange> changes_;
  size_t next_ = 0;
};

/// Peer 0 may die; peer 1 lives, and may be of the same host.
struct World {
  explicit World(const Options& options = {}, const std::string& other = "127.0.0.3:1") {
    table.adopt(PeerId{0});
    table.adopt(PeerId{1});
    guard = std::make_unique<Guard>(
        options, "unit",
        std::vector<GuardPeer>{{PeerId{0}, {server.address()}, true}, {PeerId{1}, {addressOf(other)}, true}},
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
  const stats::GuardStats& guardStats() const { return stats.peer(PeerId{0}).guard; }
  bool withheldFor(Withheld why) const { return guardStats().why.get() == static_cast<uint64_t>(why); }
  /// Its first second has passed, so that a death is followed at once.
  void settle() {
    const auto begin = Clock::now();
    liveUntil([&] { return Clock::now() - begin > seconds(1); });
  }

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

TEST_CASE("two peers of one address: while one lives, the other's sockets may be its") {
  if (!noOwnNetwork().empty()) return;
  const LocalServer living(addressOf("127.0.0.2:0"));
  World world({}, living.address().toString());
  const Fd outbound = connectTo(living.address());
  world.settle();
  world.die();
  world.liveUntil([&] { return world.withheldFor(Withheld::kHostLives); });
  CHECK(readError(outbound) == EAGAIN);
  CHECK(outcome(living.address()) == 0);
}

TEST_CASE("an IPv4 peer that is written as IPv6") {
  if (!noOwnNetwork().empty()) return;
  World world;
  world.guard.reset();
  const uint16_t port = world.server.address().port();
  world.guard = std::make_unique<Guard>(
      Options{}, "unit",
      std::vector<GuardPeer>{{PeerId{0}, {addressOf("[::ffff:127.0.0.2]:" + std::to_string(port))}, true},
                             {PeerId{1}, {addressOf("127.0.0.3:1")}, true}},
      Sources{world.table, world.stats, [] { return health::LocalState::kOk; }}, world.recorder);
  REQUIRE(world.guard->open().has_value());
  world.guard->start();
  const Fd outbound = connectTo(world.server.address());
  world.die();
  world.liveUntil([&] { return world.refused(); });
  world.recorder.wait(State::kRefused);
  CHECK(readError(outbound) == ECONNABORTED);
  CHECK(outcome(world.server.address()) == ECONNREFUSED);
}

TEST_CASE("no table can be made: sockets are destroyed all the same") {
  if (!noOwnNetwork().empty()) return;
  std::vector<netlink::TableClaim> others;
  while (auto claim = netlink::TableClaim::take("peerpulse_unit"))
    others.push_back(std::move(*claim));
  World world;
  CHECK(world.guard->tableName() == "");
  CHECK(world.guard->tableMissing() != "");
  const Fd outbound = connectTo(world.server.address());
  world.die();
  world.liveUntil([&] { return world.refused(); });
  world.recorder.wait(State::kRefused);
  CHECK(readError(outbound) == ECONNABORTED);
  // Who connects later, too.
  const Fd later = connectTo(world.server.address());
  REQUIRE(later.valid());
  int error = EAGAIN;
  world.liveUntil([&] { return (error = readError(later)) != EAGAIN; });
  CHECK(error == ECONNABORTED);
}

TEST_CASE("the right to it is lost: nothing happens, and that is said once") {
  if (!noOwnNetwork().empty()) return;
  World world;
  world.guard.reset();
  world.guard = std::make_unique<Guard>(Options{}, "unit",
                                        std::vector<GuardPeer>{{PeerId{0}, {world.server.address()}, true},
                                                               {PeerId{1}, {addressOf("127.0.0.3:1")}, true}},
                                        Sources{world.table, world.stats, [] { return health::LocalState::kOk; }},
                                        world.recorder);
  REQUIRE(world.guard->open().has_value());
  {
    const WithoutNetAdmin without;
    world.guard->start();
  }
  const Fd outbound = connectTo(world.server.address());
  world.die();
  world.liveUntil([&] { return world.stats.guardTableErrors.get() >= 3; });
  CHECK(world.recorder.tableFailures == 1);
  const GuardChange change = world.recorder.wait(State::kRefused);
  CHECK(change.sockets.destroyed == 0);
  CHECK(change.sockets.error == EPERM);
  CHECK(readError(outbound) == EAGAIN);
}
