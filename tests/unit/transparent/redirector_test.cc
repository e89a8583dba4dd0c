// Goal: the redirector's thread does what the plan says, with a real table, follows the circuits, and lets go in time.
#include "peerpulse/transparent/redirector.h"

#include <atomic>
#include <cerrno>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "own_network.h"

using namespace peerpulse;
using namespace peerpulse::transparent;
using health::CircuitState;

namespace {

bool possible() {
  if (noOwnNetwork().empty()) return true;
  MESSAGE(noOwnNetwork());
  return false;
}

class Recorder : public RedirectorCallbacks {
 public:
  void onLapse(Lapse why) override { lapse = why; }
  void onRedirectTableRepaired() override { ++repairs; }
  void onRedirectTableFailed(const Error& error) override {
    CHECK(error.code == EPERM);
    ++failures;
  }

  std::atomic<Lapse> lapse{Lapse::kNone};
  std::atomic<int> repairs{0};
  std::atomic<int> failures{0};
};

/// Peer 0 is refused when its circuit is open, peer 1 is answered for.
struct World {
  World() {
    table.adopt(PeerId{0});
    table.adopt(PeerId{1});
    redirector = std::make_unique<Redirector>(
        "unit", 0x70,
        std::vector<RedirectedPeer>{{PeerId{0}, refusing.address(), true}, {PeerId{1}, responding.address(), false}},
        RedirectorSources{table, stats, [this] { return TimePoint(Duration(workersBeat.load())); }}, recorder);
    beat();
  }
  void open() {
    REQUIRE(redirector->reserve().has_value());
    const auto opened = redirector->open({listener.address()});
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
  }
  void beat() {
    beatWorkers();
    beatProber();
  }
  void beatWorkers() { workersBeat = Clock::now().time_since_epoch().count(); }
  void beatProber() { table.beat(Clock::now()); }
  void publish(CircuitState circuit) {
    health::CircuitWord word;
    word.circuit = circuit;
    for (const PeerId id : {PeerId{0}, PeerId{1}})
      table.publish(id, word);
    redirector->wake();
  }
  Way way(uint32_t peer) const { return static_cast<Way>(stats.peer(PeerId{peer}).transparent.way.get()); }
  bool are(Way first, Way second) const { return way(0) == first && way(1) == second; }
  template <typename Done, typename Live>
  void liveUntil(Done done, Live live) {
    const auto begin = Clock::now();
    while (!done()) {
      REQUIRE(Clock::now() - begin < seconds(10));
      live();
    }
  }
  /// Connects to the peer, and says who took it: that which waits in its queue.
  const LocalServer* taken(const LocalServer& peer) {
    const Fd client = connectTo(peer.address());
    if (!client.valid()) return nullptr;
    for (const LocalServer* server : {static_cast<const LocalServer*>(&listener), &peer}) {
      if (server->waits()) {
        server->accept();
        return server;
      }
    }
    return nullptr;
  }

  LocalServer listener{addressOf("127.0.0.1:0")};
  LocalServer refusing{addressOf("127.0.0.2:0")};
  LocalServer responding{addressOf("127.0.0.3:0")};
  std::atomic<int64_t> workersBeat{0};
  health::CircuitTable table;
  stats::Stats stats{{"node2", "node3"}, {"default"}, {"main"}};
  Recorder recorder;
  std::unique_ptr<Redirector> redirector;
};

}  // namespace

TEST_CASE("connects come here from start() to release(), and a dead peer's as its on_dead says") {
  if (!possible()) return;
  World world;
  world.open();
  CHECK(world.redirector->tableName() == "peerpulse_unit_transparent");
  CHECK(world.taken(world.refusing) == &world.refusing);
  world.redirector->start();
  CHECK(world.are(Way::kRedirected, Way::kRedirected));
  CHECK(world.taken(world.refusing) == &world.listener);
  CHECK(world.taken(world.responding) == &world.listener);

  world.publish(CircuitState::kOpen);
  world.liveUntil([&] { return world.are(Way::kRefused, Way::kRedirected); }, [&] { world.beat(); });
  CHECK(world.taken(world.refusing) == nullptr);
  CHECK(world.taken(world.responding) == &world.listener);
  world.publish(CircuitState::kHalfOpen);
  world.liveUntil([&] { return world.are(Way::kRedirected, Way::kRedirected); }, [&] { world.beat(); });
  CHECK(world.taken(world.refusing) == &world.listener);

  const auto begin = Clock::now();  // longer than an element lives
  world.liveUntil([&] { return Clock::now() - begin > seconds(2); },
                  [&] {
                    world.beat();
                    REQUIRE(world.taken(world.refusing) == &world.listener);
                  });
  world.redirector->release();
  CHECK(world.are(Way::kDirect, Way::kDirect));
  CHECK(world.taken(world.refusing) == &world.refusing);
  CHECK(nft("list tables") != "");
  world.redirector->stop();
  CHECK(nft("list tables").empty());
  CHECK(world.recorder.lapse == Lapse::kNone);
  CHECK(world.recorder.failures == 0);
}

TEST_CASE("a loop that hangs: connects pass us by until it turns again") {
  if (!possible()) return;
  World world;
  world.open();
  world.redirector->start();
  const auto direct = [&] { return world.are(Way::kDirect, Way::kDirect); };
  const auto redirected = [&] { return world.are(Way::kRedirected, Way::kRedirected); };
  SUBCASE("a worker's") {
    world.liveUntil([&] { return direct() && world.recorder.lapse == Lapse::kWorkerStalled; },
                    [&] { world.beatProber(); });
  }
  SUBCASE("the prober's") {
    world.liveUntil([&] { return direct() && world.recorder.lapse == Lapse::kProberStalled; },
                    [&] { world.beatWorkers(); });
  }
  CHECK(world.taken(world.refusing) == &world.refusing);
  world.liveUntil(redirected, [&] { world.beat(); });
  CHECK(world.taken(world.refusing) == &world.listener);
  world.redirector->stop();
  CHECK(world.recorder.lapse == Lapse::kNone);
}

TEST_CASE("a table that cannot be renewed is said once, and no longer promised when it has run out") {
  if (!possible()) return;
  World world;
  world.open();
  {
    const WithoutNetAdmin without;  // of the threads that it starts, too
    world.redirector->start();
  }
  world.liveUntil([&] { return world.recorder.lapse == Lapse::kTableFailed; }, [&] { world.beat(); });
  CHECK(world.recorder.failures == 1);
  CHECK(world.stats.transparentTableErrors.get() > 1);
  CHECK(world.are(Way::kDirect, Way::kDirect));
  CHECK(world.taken(world.refusing) == &world.refusing);
  world.redirector->stop();
}

TEST_CASE("without the right to it there is none, and it says what is missing") {
  if (!possible()) return;
  World world;
  const WithoutNetAdmin without;
  auto opened = world.redirector->reserve();  // newer kernels let mark who has CAP_NET_RAW
  if (opened) opened = world.redirector->open({world.listener.address()});
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().message.starts_with("CAP_NET_ADMIN is missing: "));
}

TEST_CASE("the words of a lapse") {
  CHECK(std::string(toString(Lapse::kNone)).empty());
  CHECK(std::string(toString(Lapse::kWorkerStalled)) == "worker_stalled");
  CHECK(std::string(toString(Lapse::kProberStalled)) == "prober_stalled");
  CHECK(std::string(toString(Lapse::kTableFailed)) == "table_failed");
}
