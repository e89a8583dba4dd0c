// Goal: a listener refuses exactly while its peer's circuit is open, the mode asks for it and the prober lives.
#include "listener_gates.h"

#include <cerrno>
#include <sys/socket.h>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::server;
using health::CircuitState;

namespace {

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
    table.publish(PeerId{0}, word);
  }
  int connectResult() {
    const SocketAddress& address = gates.sockets()[0]->address();
    const Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(fd.get(), address.get(), address.length()) == 0 ? 0 : errno;
  }
  health::CircuitTable table;
  ListenerGates gates;
};

}  // namespace

TEST_CASE("gates: open circuit refuses, half-open and closed listen") {
  Fixture f(proxy::OnDead::kRefuse);
  f.set(CircuitState::kOpen);
  CHECK(f.gates.reconcile(PeerId{0}, kNow));
  CHECK(f.connectResult() == ECONNREFUSED);
  CHECK_FALSE(f.gates.reconcile(PeerId{0}, kNow));  // nothing left to change
  f.set(CircuitState::kHalfOpen);
  CHECK(f.gates.reconcile(PeerId{0}, kNow));
  CHECK(f.connectResult() == 0);
}

TEST_CASE("gates: a peer that is answered for always listens") {
  Fixture f(proxy::OnDead::kRespond);
  f.set(CircuitState::kOpen);
  CHECK_FALSE(f.gates.reconcile(PeerId{0}, kNow));
  CHECK(f.connectResult() == 0);
}

TEST_CASE("gates: a prober that stopped cannot keep a peer shut, an operator can") {
  Fixture f(proxy::OnDead::kRefuse);
  f.set(CircuitState::kOpen);
  REQUIRE(f.gates.reconcile(PeerId{0}, kNow));
  CHECK(f.gates.reconcile(PeerId{0}, kNow + seconds(2)));
  CHECK(f.connectResult() == 0);
  f.set(CircuitState::kOpen, /*overridden=*/true);
  CHECK(f.gates.reconcile(PeerId{0}, kNow + seconds(2)));
  CHECK(f.connectResult() == ECONNREFUSED);
}

TEST_CASE("gates: after close nothing listens again") {
  Fixture f(proxy::OnDead::kRefuse);
  f.set(CircuitState::kOpen);
  REQUIRE(f.gates.reconcile(PeerId{0}, kNow));
  f.gates.close();
  f.set(CircuitState::kClosed);
  CHECK_FALSE(f.gates.reconcile(PeerId{0}, kNow));
  CHECK(f.connectResult() == ECONNREFUSED);
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
