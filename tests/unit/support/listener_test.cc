// Goal: a MemoryListener listens and refuses as a ListenSocket does, and shares its connections among acceptors.
#include <cerrno>

#include "fixture.h"

using namespace peerpulse;
using namespace peerpulse::test;

TEST_CASE("memory listener: refusing resets who waits and who comes, until it listens again") {
  TwoHosts world;
  world.serverLoop.block(TimePoint::max());
  auto waiting = world.connect();
  world.time.runFor(seconds(1));
  CHECK(world.listener->queued() == 1);
  auto underWay = world.connect();
  world.time.runFor(TwoHosts::kDelay);  // its SYN was answered, the ACK comes after
  world.listener->refuse();
  CHECK(world.listener->refusing());
  CHECK(world.listener->queued() == 0);
  auto late = world.connect();
  world.time.runFor(seconds(1));
  CHECK(waiting->error == ECONNRESET);
  CHECK(underWay->error == ECONNRESET);
  CHECK(late->connectError == ECONNREFUSED);

  world.serverLoop.unblock();
  world.listener->listen();
  auto again = world.connected();
  CHECK(world.accepted.size() == 1);
  waiting.reset();
  underWay.reset();
  CHECK(world.network.connections() == 1);
}

TEST_CASE("memory listener: connections accepted before the refusal go on") {
  TwoHosts world;
  auto talker = world.connected();
  world.listener->refuse();
  talker->say("still here");
  world.time.runFor(TwoHosts::kDelay);
  CHECK(world.peer().heard == "still here");
}

TEST_CASE("memory listener: a full queue lets SYNs drop, and takes them when there is room") {
  TwoHosts world;
  world.listen(1);
  world.acceptor->setEnabled(false);
  const TimePoint start = world.time.now();
  std::deque<std::unique_ptr<Talker>> talkers;
  for (int i = 0; i < 3; ++i) {
    talkers.push_back(world.connect());
    world.time.runFor(4 * TwoHosts::kDelay);
  }
  CHECK(world.listener->queued() == 2);
  CHECK_FALSE(talkers[2]->connected());
  world.acceptor->setEnabled(true);
  world.time.runUntil(start + milliseconds(1'100));
  CHECK(talkers[2]->connected());
  CHECK(world.accepted.size() == 3);
}

TEST_CASE("memory listener: an acceptor that is switched off while it accepts leaves the rest in the queue") {
  TwoHosts world;
  world.acceptor.reset();
  int accepted = 0;
  std::optional<MemoryAcceptor> acceptor;
  acceptor.emplace(world.serverLoop, *world.listener, [&](std::unique_ptr<net::Transport>) {
    ++accepted;
    acceptor->setEnabled(false);
  });
  world.serverLoop.block(TimePoint::max());
  auto one = world.connect(), two = world.connect();
  world.time.runFor(seconds(1));
  world.serverLoop.unblock();
  world.time.runFor(seconds(1));
  CHECK(accepted == 1);
  CHECK(world.listener->queued() == 1);
}

TEST_CASE("memory listener: who was reset in the queue is accepted all the same, with what it sent") {
  TwoHosts world;
  world.acceptor->setEnabled(false);
  auto talker = world.connect();
  talker->say("short visit");
  world.time.runFor(seconds(1));
  talker->transport->close(true);
  world.time.runFor(seconds(1));
  CHECK(world.listener->queued() == 1);
  world.acceptor->acceptQueued();
  REQUIRE(world.accepted.size() == 1);
  world.time.runFor(Duration::zero());
  CHECK(world.peer().heard == "short visit");
  CHECK(world.peer().error == ECONNRESET);
}

TEST_CASE("memory listener: acceptors of two loops share one listener, and a late loop leaves all to the other") {
  TwoHosts world;
  VirtualScheduler other(world.time);
  std::deque<Talker> others;
  MemoryAcceptor acceptor(other, *world.listener, [&](std::unique_ptr<net::Transport> transport) {
    others.emplace_back(std::move(transport), true, world.time);
  });
  std::deque<std::unique_ptr<Talker>> talkers;
  const auto connectSome = [&] {
    for (int i = 0; i < 10; ++i) {
      talkers.push_back(world.connect());
      world.time.runFor(4 * TwoHosts::kDelay);
    }
  };
  connectSome();
  CHECK(world.accepted.size() == 5);
  CHECK(others.size() == 5);
  other.block(TimePoint::max());
  connectSome();
  CHECK(world.accepted.size() == 15);
  CHECK(others.size() == 5);
  CHECK(world.network.openEnds(world.server) == 20);
}

TEST_CASE("memory listener: destroyed with connections in its queue, it resets them") {
  TwoHosts world;
  world.acceptor->setEnabled(false);
  auto talker = world.connect();
  world.time.runFor(seconds(1));
  world.acceptor.reset();
  world.listener.reset();
  world.time.runFor(seconds(1));
  CHECK(talker->error == ECONNRESET);
  talker.reset();
  CHECK(world.network.connections() == 0);
}
