// Goal: a listener is open exactly when gateFor() says so, whoever looks at it last, and tells nobody but its acceptors.
// Method: real sockets on loopback, port 0; time is given.
#include "listener_gates.h"

#include <atomic>
#include <cerrno>
#include <future>
#include <random>
#include <sys/socket.h>
#include <thread>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::server;
using health::CircuitState;

namespace {

constexpr PeerId kPeer{0};
const TimePoint kNow{seconds(1000)};

struct Fixture {
  explicit Fixture(proxy::OnDead onDead) : table(1), gates(table) {
    std::vector<proxy::PeerOptions> peers(1);
    peers[0].name = "node2";
    peers[0].listen = *SocketAddress::parse("127.0.0.1:0");
    peers[0].onDead = onDead;
    REQUIRE(gates.open(peers));
    table.beat(kNow);
  }
  void set(CircuitState circuit, bool overridden = false) {
    health::CircuitWord word;
    word.circuit = circuit;
    word.overridden = overridden;
    table.publish(kPeer, word);
  }
  bool open() const { return gates.sockets()[0]->state() == net::ListenSocket::State::kListening; }
  int connectResult(Fd* keep = nullptr) const {
    const SocketAddress& address = gates.sockets()[0]->address();
    Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int result = ::connect(fd.get(), address.get(), address.length()) == 0 ? 0 : errno;
    if (keep != nullptr) *keep = std::move(fd);
    return result;
  }
  health::CircuitTable table;
  ListenerGates gates;
};

/// Holds up whoever makes the socket listen.
class Doorman : public net::ListenSocket::Follower {
 public:
  void waitUntilCalled() { called_.get_future().wait(); }
  void letGo() { go_.set_value(); }

 private:
  void onListening() override {
    called_.set_value();
    go_.get_future().wait();
  }
  void onHandedOver(Fd) override {}

  std::promise<void> called_;
  std::promise<void> go_;
};

}  // namespace

TEST_CASE("gates: a peer that is only guarded has none") {
  health::CircuitTable table(1);
  ListenerGates gates(table);
  std::vector<proxy::PeerOptions> peers(1);
  peers[0].mode = guard::Mode::kGuard;
  REQUIRE(gates.open(peers));
  CHECK(gates.sockets()[0] == nullptr);
  CHECK_FALSE(gates.settle(kPeer, kNow).changed);
  CHECK_FALSE(gates.follow(kPeer, kNow).changed);
  CHECK(gates.drain(kNow).empty());
}

TEST_CASE("gates: open circuit refuses, half-open and closed listen") {
  Fixture f(proxy::OnDead::kRefuse);
  f.set(CircuitState::kOpen);
  CHECK((f.gates.settle(kPeer, kNow).changed == Gate::kRefusing));
  CHECK(f.connectResult() == ECONNREFUSED);
  CHECK_FALSE(f.gates.settle(kPeer, kNow).changed);  // nothing left to change
  f.set(CircuitState::kHalfOpen);
  CHECK((f.gates.settle(kPeer, kNow).changed == Gate::kOpen));
  CHECK(f.connectResult() == 0);
}

TEST_CASE("gates: a peer that is answered for always listens") {
  Fixture f(proxy::OnDead::kRespond);
  f.set(CircuitState::kOpen);
  CHECK_FALSE(f.gates.settle(kPeer, kNow).changed);
  CHECK(f.connectResult() == 0);
}

TEST_CASE("gates: a prober that stopped cannot keep a peer shut, an operator can, and one that is back does") {
  Fixture f(proxy::OnDead::kRefuse);
  f.set(CircuitState::kOpen);
  REQUIRE(f.gates.settle(kPeer, kNow).changed);
  CHECK_FALSE(f.gates.follow(kPeer, kNow).changed);
  CHECK((f.gates.follow(kPeer, kNow + seconds(2)).changed == Gate::kOpen));
  CHECK(f.connectResult() == 0);
  f.table.beat(kNow + seconds(2));
  CHECK((f.gates.follow(kPeer, kNow + seconds(2)).changed == Gate::kRefusing));
  CHECK(f.connectResult() == ECONNREFUSED);
  f.set(CircuitState::kOpen, /*overridden=*/true);
  CHECK_FALSE(f.gates.follow(kPeer, kNow + seconds(9)).changed);
  CHECK(f.connectResult() == ECONNREFUSED);
}

TEST_CASE("gates: draining hands the accept queue over, and nothing listens again, in either mode") {
  for (const auto onDead : {proxy::OnDead::kRefuse, proxy::OnDead::kRespond}) {
    Fixture f(onDead);
    event::Dispatcher dispatcher;
    int accepted = 0;
    net::Acceptor acceptor(dispatcher, *f.gates.sockets()[0], [&](Fd) { ++accepted; });
    Fd client;
    REQUIRE(f.connectResult(&client) == 0);
    CHECK(f.gates.drain(kNow).empty());
    CHECK(f.connectResult() == ECONNREFUSED);
    f.set(CircuitState::kClosed);
    CHECK_FALSE(f.gates.settle(kPeer, kNow).changed);
    CHECK_FALSE(f.gates.follow(kPeer, kNow + seconds(9)).changed);
    CHECK(f.connectResult() == ECONNREFUSED);
    dispatcher.exit();
    dispatcher.run();
    CHECK(accepted == 1);
  }
}

TEST_CASE("gates: what fails is said once, tried again, and said again when it fails anew") {
  Fixture f(proxy::OnDead::kRefuse);
  f.set(CircuitState::kOpen);
  REQUIRE(f.gates.settle(kPeer, kNow).changed);
  // Another process takes the port while ours is bound but shut; refuse() prevents that, so its protection is lifted.
  const SocketAddress address = f.gates.sockets()[0]->address();
  const int on = 1;
  REQUIRE(::setsockopt(f.gates.sockets()[0]->fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
  auto thief = net::createListenSocket(address, 1);
  REQUIRE(thief);
  f.set(CircuitState::kClosed);
  for (int round = 0; round < 2; ++round) {
    const Settled first = f.gates.settle(kPeer, kNow);
    CHECK_FALSE(first.changed);
    REQUIRE(first.failure);
    CHECK(first.failure->error == EADDRINUSE);
    CHECK((first.failure->wanted == Gate::kOpen));
    CHECK_FALSE(f.gates.follow(kPeer, kNow).failure);
    f.set(CircuitState::kOpen);
    CHECK_FALSE(f.gates.settle(kPeer, kNow).failure);
    f.set(CircuitState::kClosed);
  }
  thief->reset();
  CHECK((f.gates.follow(kPeer, kNow).changed == Gate::kOpen));
  CHECK(f.connectResult() == 0);
}

TEST_CASE("gates: who had to wait for its turn does what the word says then, not what it said before") {
  Fixture f(proxy::OnDead::kRefuse);
  net::ListenSocket& socket = *f.gates.sockets()[0];
  f.set(CircuitState::kOpen);
  REQUIRE(f.gates.settle(kPeer, kNow).changed);
  Doorman doorman;
  socket.follow(doorman);
  f.set(CircuitState::kClosed);
  std::thread opening([&] { (void)f.gates.settle(kPeer, kNow); });
  doorman.waitUntilCalled();  // the gate is being opened, and whoever wants to change it has to wait
  f.set(CircuitState::kOpen);
  std::thread waiting([&] { (void)f.gates.settle(kPeer, kNow); });
  // Time to get to where it waits. If that is too short the test proves less, and fails no right program.
  std::this_thread::sleep_for(milliseconds(30));
  f.set(CircuitState::kClosed);
  doorman.letGo();
  opening.join();
  waiting.join();
  socket.unfollow(doorman);
  CHECK(f.open());
}

TEST_CASE("gates: after every transition the gate is what the newest word says, whoever looks meanwhile") {
  Fixture f(proxy::OnDead::kRefuse);
  std::atomic<bool> done{false};
  // One would do in the process; two wait for the lock with each other, and so are late more often.
  std::atomic<uint64_t> looks{0};
  const auto look = [&] {
    for (uint64_t i = 0; !done.load(std::memory_order_acquire); ++i) {
      (void)(i % 2 == 0 ? f.gates.settle(kPeer, kNow) : f.gates.follow(kPeer, kNow));
      looks.fetch_add(1, std::memory_order_relaxed);
      std::this_thread::yield();
    }
  };
  std::thread first(look);
  std::thread second(look);
  std::minstd_rand random(7);
  int wrong = 0;
  int wrongLater = 0;
  for (int i = 0; i < 50'000; ++i) {
    const auto circuit = static_cast<CircuitState>(random() % 3);
    f.set(circuit, random() % 4 == 0);
    (void)f.gates.settle(kPeer, kNow);
    const bool expected = circuit != CircuitState::kOpen;
    if (f.open() != expected) ++wrong;
    if (i % 2'500 == 0) CHECK(f.connectResult() == (expected ? 0 : ECONNREFUSED));
    std::this_thread::yield();
    if (f.open() != expected) ++wrongLater;  // the other thread's decision, made before this one
  }
  done.store(true, std::memory_order_release);
  first.join();
  second.join();
  CHECK(wrong == 0);
  CHECK(wrongLater == 0);
  CHECK(looks.load() > 0);
}

TEST_CASE("gates: a prober that stalls and comes back while transitions happen: once quiet, the gate is right") {
  Fixture f(proxy::OnDead::kRefuse);
  std::atomic<int64_t> clock{0};
  const auto now = [&] { return kNow + milliseconds(clock.load(std::memory_order_relaxed)); };
  std::atomic<bool> done{false};
  int opened = 0;
  std::thread main([&] {
    for (int i = 0; i < 10'000; ++i) {
      if (i % 8 == 0) clock.fetch_add(2000, std::memory_order_relaxed);  // nobody has beaten since
      if (f.gates.follow(kPeer, now()).changed == Gate::kOpen) ++opened;
      std::this_thread::yield();
    }
    done.store(true, std::memory_order_release);
  });
  std::minstd_rand random(11);
  while (!done.load(std::memory_order_acquire)) {
    if (random() % 2 == 0) f.table.beat(now());
    f.set(random() % 4 == 0 ? CircuitState::kClosed : CircuitState::kOpen, random() % 8 == 0);
    (void)f.gates.settle(kPeer, now());
    std::this_thread::yield();
  }
  main.join();
  CHECK(opened > 0);
  const auto expected = [&] {
    const bool stalled = f.table.proberStalled(now());
    return gateFor(f.table.load(kPeer), stalled, false, proxy::OnDead::kRefuse) == Gate::kOpen;
  };
  (void)f.gates.follow(kPeer, now());
  CHECK(f.open() == expected());
  f.set(CircuitState::kOpen);
  f.table.beat(now());
  (void)f.gates.follow(kPeer, now());
  CHECK_FALSE(f.open());
  CHECK(f.connectResult() == ECONNREFUSED);
}

TEST_CASE("gates: a transition while the drain begins does not open the gate again") {
  for (int round = 0; round < 200; ++round) {
    Fixture f(proxy::OnDead::kRefuse);
    f.set(CircuitState::kOpen);
    REQUIRE(f.gates.settle(kPeer, kNow).changed);
    std::thread prober([&] {
      f.set(CircuitState::kClosed);
      (void)f.gates.settle(kPeer, kNow);
    });
    (void)f.gates.drain(kNow);
    prober.join();
    CHECK((f.gates.sockets()[0]->state() == net::ListenSocket::State::kClosed));
  }
}

TEST_CASE("gates: a listener that cannot be bound names its peer") {
  Fixture first(proxy::OnDead::kRefuse);
  std::vector<proxy::PeerOptions> peers(1);
  peers[0].name = "node7";
  peers[0].listen = first.gates.sockets()[0]->address();
  ListenerGates second(first.table);
  auto opened = second.open(peers);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message.find("node7") != std::string::npos);
  CHECK(opened.error().code == EADDRINUSE);
}
