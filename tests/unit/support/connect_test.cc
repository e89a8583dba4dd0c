// Goal: a connect in a MemoryNetwork ends as it would on a wire, and at that time.
#include <cerrno>

#include "fixture.h"

using namespace peerpulse;
using namespace peerpulse::test;

TEST_CASE("memory connect: established after a round trip, accepted half a round trip later") {
  TwoHosts world;
  const TimePoint start = world.time.now();
  auto talker = world.connect();
  world.time.runFor(2 * TwoHosts::kDelay);
  CHECK(talker->connectedAt == start + 2 * TwoHosts::kDelay);
  CHECK(world.accepted.empty());
  CHECK(world.network.openEnds(world.client) == 1);
  CHECK(world.network.openEnds(world.server) == 0);
  world.time.runFor(TwoHosts::kDelay);
  CHECK(world.accepted.size() == 1);
  CHECK(world.network.openEnds(world.server) == 1);
}

TEST_CASE("memory connect: refused after a round trip where nobody listens") {
  TwoHosts world;
  world.acceptor.reset();
  world.listener.reset();
  const TimePoint start = world.time.now();
  auto talker = world.connect();
  world.time.runFor(seconds(1));
  CHECK(talker->connectError == ECONNREFUSED);
  CHECK(talker->failedAt == start + 2 * TwoHosts::kDelay);
  CHECK(world.network.openEnds(world.client) == 0);
  CHECK(world.network.connections() == 0);
}

TEST_CASE("memory connect: the SYN is sent again after 1, 3 and 7 s, and may then arrive") {
  const auto connectedAfter = [](Duration heals, bool power) {
    TwoHosts world;
    const TimePoint start = world.time.now();
    if (power) {
      world.network.cutPower(world.server);
    } else {
      world.network.cut(world.client, world.server, true);
    }
    auto talker = world.connect();
    world.time.runUntil(start + heals);
    if (power) {
      world.network.restorePower(world.server);
      world.listen();
    }
    world.network.cut(world.client, world.server, false);
    world.time.runFor(seconds(20));
    REQUIRE(talker->connectedAt);
    return *talker->connectedAt - start - 2 * TwoHosts::kDelay;
  };
  CHECK(connectedAfter(milliseconds(900), false) == seconds(1));
  CHECK(connectedAfter(milliseconds(1'100), false) == seconds(3));
  CHECK(connectedAfter(milliseconds(3'100), false) == seconds(7));
  CHECK(connectedAfter(milliseconds(1'100), true) == seconds(3));
}

TEST_CASE("memory connect: a lost SYN-ACK is made up for by the next SYN") {
  TwoHosts world;
  const TimePoint start = world.time.now();
  world.network.cut(world.server, world.client, true);
  auto talker = world.connect();
  world.time.runUntil(start + milliseconds(500));
  world.network.cut(world.server, world.client, false);
  world.time.runFor(seconds(2));
  REQUIRE(talker->connectedAt);
  CHECK(*talker->connectedAt - start >= seconds(1));
  CHECK(*talker->connectedAt - start <= seconds(1) + 2 * TwoHosts::kDelay);
  CHECK(world.accepted.size() == 1);
}

TEST_CASE("memory connect: a lost ACK of the handshake is made up for by what follows") {
  for (const bool clientTalks : {true, false}) {
    TwoHosts world;
    auto talker = world.connect();
    world.time.runFor(TwoHosts::kDelay);  // the SYN has arrived, the SYN-ACK is on its way
    world.network.cut(world.client, world.server, true);
    world.time.runFor(2 * TwoHosts::kDelay);
    CHECK(talker->connected());
    CHECK(world.accepted.empty());
    world.network.cut(world.client, world.server, false);
    if (clientTalks) talker->say("hello");
    world.time.runFor(clientTalks ? 2 * TwoHosts::kDelay : seconds(1) + 4 * TwoHosts::kDelay);
    REQUIRE(world.accepted.size() == 1);
    CHECK(world.peer().heard == (clientTalks ? "hello" : ""));
  }
}

TEST_CASE("memory connect: silence ends in ETIMEDOUT, that of an address nobody has, too") {
  for (const bool nobody : {false, true}) {
    TwoHosts world({.connectTimeout = seconds(5)});
    const TimePoint start = world.time.now();
    if (!nobody) world.network.cutPower(world.server);
    auto transport = world.connector.connect(*SocketAddress::parse(nobody ? "10.9.9.9:80" : "10.0.0.2:9000"), {});
    REQUIRE(transport);
    Talker talker(std::move(*transport), false, world.time);
    world.time.runFor(seconds(10));
    CHECK(talker.connectError == ETIMEDOUT);
    CHECK(talker.failedAt == start + seconds(5));
    CHECK(world.network.connections() == 0);
  }
}

TEST_CASE("memory connect: given up before the answer comes, nothing remains") {
  TwoHosts world;
  auto talker = world.connect();
  world.time.runFor(TwoHosts::kDelay);
  CHECK(world.network.connections() == 1);
  talker.reset();
  CHECK(world.network.openEnds(world.client) == 0);
  world.time.runFor(4 * TwoHosts::kDelay);
  CHECK(world.accepted.empty());
  CHECK(world.network.connections() == 0);
}

TEST_CASE("memory connect: failures of the own host come at once") {
  TwoHosts world;
  world.network.failConnects(world.client, EMFILE);
  const auto full = world.connector.connect(world.address, {});
  REQUIRE_FALSE(full);
  CHECK(full.error().code == EMFILE);
  world.network.failConnects(world.client, 0);
  const auto unix = world.connector.connect(*SocketAddress::parse("unix:/run/x.sock"), {});
  REQUIRE_FALSE(unix);
  CHECK(unix.error().code == EAFNOSUPPORT);
  CHECK(world.connector.connect(world.address, {}).has_value());
}

TEST_CASE("memory connect: within a host without delay, and by each of its addresses") {
  TwoHosts world;
  world.network.addAddress(world.server, "127.0.0.1");
  MemoryConnector local(world.network, world.server, world.serverLoop);
  auto transport = local.connect(*SocketAddress::parse("127.0.0.1:9000"), {});
  REQUIRE(transport);
  Talker talker(std::move(*transport), false, world.time);
  const TimePoint start = world.time.now();
  world.time.runFor(Duration::zero());
  CHECK(talker.connectedAt == start);
  REQUIRE(world.accepted.size() == 1);
  talker.say("here");
  world.time.runFor(Duration::zero());
  CHECK(world.peer().heard == "here");
}
