// Goal: each fault looks to the other side as it does on a wire: silence, a reset, or an end; and heals as it does there.
#include <cerrno>

#include "fixture.h"

using namespace peerpulse;
using namespace peerpulse::test;

TEST_CASE("memory faults: a host without power is silence: writes fill the send buffer, nothing is told") {
  TwoHosts world({}, {.sendBuffer = 1'000, .receiveWindow = 1'000});
  auto talker = world.connected();
  world.network.cutPower(world.server);
  CHECK(world.network.openEnds(world.server) == 0);
  talker->say(pattern(5'000));
  world.time.runFor(seconds(60));
  CHECK(talker->pending() == 4'000);
  CHECK(talker->error == 0);
  CHECK_FALSE(talker->ended);
  const auto heard = talker->transport->lastHeard();
  REQUIRE(heard);
  CHECK(heard->ack >= seconds(60));
}

TEST_CASE("memory faults: after the power is back, what is sent again is answered by a reset") {
  TwoHosts world;
  auto idle = world.connected();
  auto busy = world.connected();
  world.network.cutPower(world.server);
  const TimePoint sent = world.time.now();
  busy->say("anybody there?");
  world.time.runFor(milliseconds(300));  // sent again once
  world.network.restorePower(world.server);
  world.time.runFor(seconds(2));
  // RTO: 200 ms and the round trip, doubled; then the answer.
  CHECK(busy->failedAt == sent + 3 * (milliseconds(200) + 2 * TwoHosts::kDelay) + 2 * TwoHosts::kDelay);
  CHECK(busy->error == ECONNRESET);
  CHECK(idle->error == 0);
  idle->say("and now?");
  world.time.runFor(2 * TwoHosts::kDelay);
  CHECK(idle->error == ECONNRESET);
  CHECK(world.network.connections() == 2);
  idle.reset();
  busy.reset();
  CHECK(world.network.connections() == 0);
}

TEST_CASE("memory faults: the handles of a process that lost its power do nothing, and count no more") {
  TwoHosts world;
  auto talker = world.connected();
  talker->say("on its way");
  world.network.cutPower(world.server);
  world.time.runFor(seconds(1));
  Talker& dead = world.peer();
  CHECK(dead.heard.empty());
  dead.say("from beyond");
  CHECK(dead.error == ECONNRESET);
  dead.transport->close(true);
  world.accepted.clear();
  world.time.runFor(seconds(1));
  CHECK(talker->heard.empty());
  CHECK(talker->error == 0);
  MemoryConnector connector(world.network, world.server, world.serverLoop);
  CHECK(connector.connect(world.address, {}).error().code == ENETDOWN);
}

TEST_CASE("memory faults: packets of a connection that both sides forgot do not disturb the next one") {
  TwoHosts world;
  auto talker = world.connected();
  talker->say("old");
  world.network.cutPower(world.server);
  world.network.restorePower(world.server);
  world.listen();
  talker->transport->close(true);
  CHECK(world.network.connections() == 0);
  auto next = world.connect();
  next->say("new");
  world.time.runFor(4 * TwoHosts::kDelay);
  CHECK(next->connected());
  CHECK(world.peer().heard == "new");
}

TEST_CASE("memory faults: silence ends a connection by the user timeout, when a retransmission is due") {
  TwoHosts world;
  auto talker = world.connected({.userTimeout = seconds(3)});
  world.network.cutBothWays(world.client, world.server, true);
  const TimePoint cut = world.time.now();
  world.time.runFor(seconds(10));
  CHECK(talker->error == 0);  // nothing was outstanding
  const TimePoint sent = world.time.now();
  talker->say("hello?");
  world.time.runFor(seconds(20));
  CHECK(talker->error == ETIMEDOUT);
  REQUIRE(talker->failedAt);
  CHECK(*talker->failedAt - sent >= seconds(3));
  CHECK(*talker->failedAt - sent < seconds(7));
  CHECK(cut < sent);
}

TEST_CASE("memory faults: a cut path is silence both ways, and what was lost arrives once it has healed") {
  TwoHosts world;
  auto talker = world.connected();
  const TimePoint cut = world.time.now();
  world.network.cutBothWays(world.client, world.server, true);
  talker->say("question ");
  world.peer().say("news");
  world.time.runFor(milliseconds(100));
  talker->say("and more");
  world.time.runFor(milliseconds(900));
  CHECK(world.peer().heard.empty());
  CHECK(talker->heard.empty());
  world.network.cutBothWays(world.client, world.server, false);
  world.time.runFor(seconds(3));
  CHECK(world.peer().heard == "question and more");
  CHECK(talker->heard == "news");
  REQUIRE(talker->heardAt);
  CHECK(*talker->heardAt - cut > seconds(1));
  CHECK(*talker->heardAt - cut < seconds(2));
  CHECK(world.time.nextEvent() == TimePoint::max());  // no timer goes on
}

TEST_CASE("memory faults: what is sent after a short cut takes along what got lost in it") {
  TwoHosts world;
  auto talker = world.connected();
  world.network.cut(world.client, world.server, true);
  talker->say("lost ");
  world.time.runFor(milliseconds(20));
  world.network.cut(world.client, world.server, false);
  talker->say("found");
  world.time.runFor(TwoHosts::kDelay);
  CHECK(world.peer().heard == "lost found");
}

TEST_CASE("memory faults: one way cut: the bytes arrive, their ACKs do not, and nothing arrives twice") {
  TwoHosts world({}, {.sendBuffer = 100, .receiveWindow = 1'000});
  auto talker = world.connected();
  world.network.cut(world.server, world.client, true);
  talker->say(pattern(250));
  world.time.runFor(seconds(2));
  CHECK(world.peer().heard == pattern(250).substr(0, 100));
  world.network.cut(world.server, world.client, false);
  world.time.runFor(seconds(3));
  CHECK(world.peer().heard == pattern(250));
}

TEST_CASE("memory faults: a forgotten connection's bytes never arrive, those of others and of the other side do") {
  TwoHosts world;
  auto talker = world.connected();
  world.network.forget(world.client, world.server);
  const TimePoint sent = world.time.now();
  talker->say("anybody there?");
  world.peer().say("news");
  world.time.runFor(2 * TwoHosts::kDelay);
  CHECK(talker->heard == "news");
  auto other = world.connected();
  other->say("hello");
  world.time.runFor(TwoHosts::kDelay);
  CHECK(world.peer().heard == "hello");
  CHECK(world.accepted.front().heard.empty());
  CHECK(talker->transport->sendState()->outstanding);
  CHECK(other->transport->sendState()->repeated == 0);
  const uint32_t acks = *talker->transport->sendState()->bareAcks;
  uint32_t repeated = 0;
  for (Duration at = milliseconds(0); at < seconds(2); at += milliseconds(10)) {
    world.time.runUntil(sent + std::max<Duration>(at, world.time.now() - sent));
    const uint32_t now = talker->transport->sendState()->repeated;
    CHECK(now >= repeated);
    repeated = now;
  }
  CHECK(repeated == 3);  // after 210, 630 and 1,470 ms
  CHECK(talker->transport->sendState()->overdue);
  CHECK(*talker->transport->sendState()->bareAcks == acks);
  CHECK(world.accepted.front().heard.empty());
}

TEST_CASE("memory faults: talking on does not put a retransmission off") {
  TwoHosts world;
  auto talker = world.connected();
  world.network.forget(world.client, world.server);
  for (int i = 0; i < 50; ++i) {
    talker->say("on and on");
    world.time.runFor(milliseconds(20));
  }
  world.time.runFor(milliseconds(50));
  CHECK(talker->transport->sendState()->repeated == 2);
}

TEST_CASE("memory faults: a lost word of new room is asked for again") {
  TwoHosts world({}, {.sendBuffer = 1'000, .receiveWindow = 100});
  auto talker = world.connected();
  world.peer().setReading(false);
  talker->say(pattern(500));
  world.time.runFor(seconds(1));
  world.network.cut(world.server, world.client, true);
  world.peer().setReading(true);  // says so, in vain
  world.time.runFor(milliseconds(100));
  CHECK(world.peer().heard.size() == 100);
  world.network.cut(world.server, world.client, false);
  world.time.runFor(seconds(3));
  CHECK(world.peer().heard == pattern(500));
}

TEST_CASE("memory faults: a closed connection's last bytes and end outlive a cut") {
  TwoHosts world;
  auto talker = world.connected();
  world.network.cutBothWays(world.client, world.server, true);
  talker->say("last words");
  talker->transport->close(false);
  world.time.runFor(milliseconds(500));
  CHECK_FALSE(world.peer().ended);
  world.network.cutBothWays(world.client, world.server, false);
  world.time.runFor(seconds(2));
  CHECK(world.peer().heard == "last words");
  CHECK(world.peer().ended);
  world.peer().transport->close(false);
  world.time.runFor(seconds(1));
  CHECK(world.network.connections() == 0);
}

TEST_CASE("memory faults: a lost reset is found out by the next bytes") {
  TwoHosts world;
  auto talker = world.connected();
  world.network.cutBothWays(world.client, world.server, true);
  talker->transport->close(true);
  world.time.runFor(seconds(1));
  world.network.cutBothWays(world.client, world.server, false);
  world.time.runFor(seconds(10));
  CHECK(world.peer().error == 0);
  world.peer().say("still there?");
  world.time.runFor(2 * TwoHosts::kDelay);
  CHECK(world.peer().error == ECONNRESET);
}

TEST_CASE("memory faults: an orphan whose other side lost its power is given up in the end") {
  TwoHosts world({.giveUp = seconds(30)});
  auto talker = world.connected();
  world.network.cutPower(world.server);
  talker->say("x");
  talker->transport->close(false);
  world.time.runFor(seconds(20));
  CHECK(world.network.connections() == 1);
  world.time.runFor(seconds(60));
  CHECK(world.network.connections() == 0);
}

TEST_CASE("memory faults: a killed process's kernel ends its connections and refuses new ones") {
  TwoHosts world;
  auto quiet = world.connected();
  auto unread = world.connected();
  world.peer().setReading(false);
  unread->say("never read");
  world.serverLoop.block(TimePoint::max());
  auto queued = world.connect();
  world.time.runFor(seconds(1));
  CHECK(queued->connected());
  CHECK(world.listener->queued() == 1);

  world.network.kill(world.server);
  CHECK(world.network.openEnds(world.server) == 0);
  CHECK(world.listener->state() == MemoryListener::State::kDead);
  world.time.runFor(TwoHosts::kDelay);
  CHECK(quiet->ended);
  CHECK(quiet->error == 0);
  CHECK(unread->error == ECONNRESET);
  CHECK(queued->error == ECONNRESET);
  auto late = world.connect();
  world.time.runFor(2 * TwoHosts::kDelay);
  CHECK(late->connectError == ECONNREFUSED);

  world.accepted.clear();
  world.serverLoop.unblock();
  world.listen();  // the next process
  auto again = world.connected();
  again->say("welcome back");
  world.time.runFor(TwoHosts::kDelay);
  CHECK(world.peer().heard == "welcome back");
}

TEST_CASE("memory faults: a killed process's unsent bytes still go out") {
  TwoHosts world({}, {.sendBuffer = 5'000, .receiveWindow = 500});
  auto talker = world.connected();
  world.peer().say(pattern(4'000));
  world.network.kill(world.server);
  world.time.runFor(seconds(1));
  CHECK(talker->heard == pattern(4'000));
  CHECK(talker->ended);
}

TEST_CASE("memory faults: a stopped process reads nothing, its kernel acknowledges and accepts up to the backlog") {
  TwoHosts world({}, {.sendBuffer = 1'000, .receiveWindow = 3'000});
  world.listen(2);
  auto talker = world.connected();
  world.network.stop(world.server);
  talker->say(pattern(10'000));
  std::deque<std::unique_ptr<Talker>> more;
  for (int i = 0; i < 5; ++i) {
    more.push_back(world.connect());
    world.time.runFor(milliseconds(50));
  }
  CHECK(world.peer().heard.empty());
  CHECK(talker->pending() == 10'000 - 3'000 - 1'000);  // the window's worth was acknowledged
  const auto heard = talker->transport->lastHeard();
  REQUIRE(heard);
  CHECK(heard->ack <= milliseconds(250));
  CHECK(world.listener->queued() == 3);  // one more than the backlog, as the kernel counts
  for (size_t i = 0; i < more.size(); ++i)
    CHECK(more[i]->connected() == (i < 3));

  world.network.resume(world.server);
  world.time.runFor(seconds(4));
  CHECK(world.peer().heard.empty());  // the last one accepted
  CHECK(world.accepted.front().heard == pattern(10'000));
  CHECK(world.accepted.size() == 6);
  for (const auto& each : more)
    CHECK(each->connected());
}

TEST_CASE("memory faults: killing a stopped process ends the stop") {
  TwoHosts world;
  world.network.stop(world.server);
  world.network.kill(world.server);
  world.listen();
  CHECK(world.connected()->connected());
}
