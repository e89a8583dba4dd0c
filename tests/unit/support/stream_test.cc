// Goal: bytes arrive once, in order and in time; buffers are bounded; every end is told; nothing remains.
#include <cerrno>

#include "fixture.h"

using namespace peerpulse;
using namespace peerpulse::test;

TEST_CASE("memory stream: each way has its own delay") {
  TwoHosts world;
  auto talker = world.connected();
  world.network.setPath(world.server, world.client, {.delay = milliseconds(30)});
  const TimePoint start = world.time.now();
  talker->say("ping");
  world.time.runFor(TwoHosts::kDelay);
  CHECK(world.peer().heard == "ping");
  CHECK(world.peer().heardAt == start + TwoHosts::kDelay);
  world.peer().say("pong");
  world.time.runFor(milliseconds(29));
  CHECK(talker->heard.empty());
  world.time.runFor(milliseconds(1));
  CHECK(talker->heard == "pong");
}

TEST_CASE("memory stream: a reader that stops holds its writer up, and loses nothing") {
  constexpr HostOptions kSmall{.sendBuffer = 3'000, .receiveWindow = 2'000};
  TwoHosts world({}, kSmall);
  auto talker = world.connected();
  world.peer().setReading(false);
  const std::string text = pattern(50'000);
  talker->say(text);
  CHECK(talker->pending() == text.size() - kSmall.sendBuffer);  // a partial write
  world.time.runFor(seconds(5));
  CHECK(talker->pending() == text.size() - kSmall.sendBuffer - kSmall.receiveWindow);
  CHECK(world.time.nextEvent() == TimePoint::max());  // everybody waits for the reader
  world.peer().setReading(true);
  world.time.runFor(seconds(5));
  CHECK(talker->pending() == 0);
  CHECK(world.peer().heard == text);
}

TEST_CASE("memory stream: writable again only once a third of the send buffer is free") {
  TwoHosts world({}, {.sendBuffer = 3'000, .receiveWindow = 100});
  auto talker = world.connected();
  world.peer().setReading(false);
  talker->say(pattern(3'000));
  world.time.runFor(seconds(1));  // 100 bytes have arrived
  CHECK(talker->pending() == 0);
  talker->say("x");
  CHECK(talker->pending() == 0);
  talker->say(pattern(200));
  CHECK(talker->pending() == 101);
  const size_t before = talker->pending();
  char bytes[100];
  const iovec entry{bytes, sizeof bytes};
  for (int i = 1; i <= 9; ++i) {
    CHECK(world.peer().transport->read(&entry, 1).bytes == 100);
    world.time.runFor(seconds(1));
    CHECK(talker->pending() == before);
  }
  CHECK(world.peer().transport->read(&entry, 1).bytes == 100);
  world.time.runFor(seconds(1));
  CHECK(talker->pending() == 0);
}

TEST_CASE("memory stream: half-close goes each way by itself, and both closed leave nothing") {
  TwoHosts world;
  auto talker = world.connected();
  talker->say("question");
  REQUIRE(talker->transport->shutdownWrite());
  world.time.runFor(TwoHosts::kDelay);
  CHECK(world.peer().heard == "question");
  CHECK(world.peer().ended);
  world.peer().say("answer");
  REQUIRE(world.peer().transport->shutdownWrite());
  world.time.runFor(2 * TwoHosts::kDelay);
  CHECK(talker->heard == "answer");
  CHECK(talker->ended);
  CHECK(world.network.openEnds(world.client) == 1);
  talker->transport->close(false);
  CHECK(world.network.openEnds(world.client) == 0);
  CHECK(world.network.openEnds(world.server) == 1);
  world.peer().transport->close(false);
  CHECK(world.network.openEnds(world.server) == 0);
  world.time.runFor(4 * TwoHosts::kDelay);
  CHECK(world.network.connections() == 0);
}

TEST_CASE("memory stream: a closed connection delivers what was written, then the end") {
  TwoHosts world({}, {.sendBuffer = 8'000, .receiveWindow = 1'000});
  auto talker = world.connected();
  const std::string text = pattern(8'000);
  talker->say(text);
  talker->transport->close(false);
  CHECK(world.network.openEnds(world.client) == 0);
  world.time.runFor(seconds(1));
  CHECK(world.peer().heard == text);
  CHECK(world.peer().ended);
  CHECK(world.peer().error == 0);
  world.peer().transport->close(false);
  world.time.runFor(seconds(1));
  CHECK(world.network.connections() == 0);
}

TEST_CASE("memory stream: closed by both sides at the same time") {
  TwoHosts world;
  auto talker = world.connected();
  talker->transport->close(false);
  world.peer().transport->close(false);
  world.time.runFor(seconds(1));
  CHECK(world.network.connections() == 0);
}

TEST_CASE("memory stream: a reset lets through what was on its way, and no more") {
  TwoHosts world({}, {.sendBuffer = 8'000, .receiveWindow = 1'000});
  auto talker = world.connected();
  const std::string text = pattern(8'000);
  talker->say(text);
  talker->transport->close(true);
  world.time.runFor(seconds(1));
  CHECK(world.peer().heard == text.substr(0, 1'000));
  CHECK(world.peer().error == ECONNRESET);
  CHECK_FALSE(world.peer().ended);
  world.peer().transport->close(false);
  CHECK(world.network.connections() == 0);
}

TEST_CASE("memory stream: bytes that come after the close are answered by a reset") {
  TwoHosts world;
  auto talker = world.connected();
  talker->transport->close(false);
  world.time.runFor(2 * TwoHosts::kDelay);
  CHECK(world.peer().ended);
  world.peer().say("late");
  world.time.runFor(2 * TwoHosts::kDelay);
  world.peer().say("later");
  CHECK(world.peer().error == EPIPE);
  CHECK(world.network.connections() == 1);
  world.peer().transport->close(false);
  CHECK(world.network.connections() == 0);
}

TEST_CASE("memory stream: jitter and loss change when, not what") {
  TwoHosts world({.seed = 7});
  auto talker = world.connected();
  const PathOptions bad{.delay = milliseconds(1), .jitter = milliseconds(20), .lossPerMillion = 200'000};
  world.network.setPaths(world.client, world.server, bad);
  const std::string text = pattern(20'000);
  for (size_t at = 0; at < text.size(); at += 100) {
    talker->say(text.substr(at, 100));
    world.time.runFor(milliseconds(1));
  }
  world.time.runFor(seconds(2));
  CHECK(world.peer().heard == text);
}

TEST_CASE("memory stream: a reset does not overtake the bytes before it") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TwoHosts world({.seed = seed});
    auto talker = world.connected();
    world.network.setPath(world.client, world.server, {.jitter = milliseconds(20), .lossPerMillion = 300'000});
    talker->say("all of it");
    talker->transport->close(true);
    world.time.runFor(seconds(1));
    CHECK(world.peer().heard == "all of it");
    CHECK(world.peer().error == ECONNRESET);
  }
}

TEST_CASE("memory stream: reads and writes are split at random places, the same for the same seed") {
  struct Run {
    std::string heard;
    size_t reads;
    uint64_t packets;
  };
  const auto run = [](uint64_t seed, uint32_t percent) {
    TwoHosts world({.seed = seed, .splitPercent = percent});
    auto talker = world.connected();
    talker->say(pattern(30'000));
    world.time.runFor(seconds(5));
    return Run{world.peer().heard, world.peer().reads, world.network.packets()};
  };
  const Run whole = run(1, 0), split = run(1, 80), again = run(1, 80), other = run(2, 80);
  for (const Run& each : {whole, split, again, other})
    CHECK(each.heard == pattern(30'000));
  CHECK(split.reads > whole.reads);
  CHECK(split.packets > whole.packets);
  CHECK(again.reads == split.reads);
  CHECK(again.packets == split.packets);
  CHECK((other.reads != split.reads || other.packets != split.packets));
}

TEST_CASE("memory stream: after a write that was cut short there is no room for the next one in this turn") {
  TwoHosts world({.splitPercent = 100});
  auto talker = world.connected();
  std::string text = pattern(1'000);
  const iovec entry{text.data(), text.size()};
  const net::IoResult cut = talker->transport->write(&entry, 1);
  CHECK(cut.status == net::IoResult::Status::kOk);
  CHECK(cut.bytes < text.size());
  CHECK(talker->transport->write(&entry, 1).status == net::IoResult::Status::kAgain);
  CHECK(talker->transport->write(&entry, 1).status == net::IoResult::Status::kOk);
}

TEST_CASE("memory stream: how long ago the remote kernel was heard") {
  TwoHosts world({.tick = milliseconds(1)});
  auto talker = world.connected();
  talker->setReading(false);
  world.time.runFor(milliseconds(100));
  world.peer().say("x");
  world.time.runFor(TwoHosts::kDelay + milliseconds(7));
  auto heard = talker->transport->lastHeard();
  REQUIRE(heard);
  CHECK(heard->ack == milliseconds(7));
  CHECK(heard->unread == milliseconds(7));
  CHECK(talker->transport->readableNow());
  talker->setReading(true);
  world.time.runFor(milliseconds(50));
  CHECK_FALSE(talker->transport->readableNow());
  talker->say("y");
  world.time.runFor(2 * TwoHosts::kDelay + milliseconds(3));
  heard = talker->transport->lastHeard();
  REQUIRE(heard);
  CHECK(heard->ack == milliseconds(3));  // its kernel acknowledged; no byte came
  CHECK_FALSE(heard->unread);
}

TEST_CASE("memory stream: ages come in steps of the kernel's tick") {
  TwoHosts world({.tick = milliseconds(10)});
  auto talker = world.connected();
  const TimePoint heardAt = world.time.now() - 2 * TwoHosts::kDelay;
  for (int i = 0; i < 30; ++i) {
    world.time.runFor(milliseconds(1));
    const auto heard = talker->transport->lastHeard();
    REQUIRE(heard);
    CHECK(heard->ack.count() % Duration(milliseconds(10)).count() == 0);
    CHECK(std::chrono::abs(heard->ack - (world.time.now() - heardAt)) < milliseconds(10));
  }
}
