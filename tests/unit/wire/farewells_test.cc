// Goal: last words are sent as long as the time and the number allow it, and no longer.
// Method: scripted transports, and a loop whose time stands still.
#include "peerpulse/wire/farewells.h"

#include <list>
#include <memory>

#include <doctest/doctest.h>

#include "manual_scheduler.h"
#include "scripted_transport.h"

using namespace peerpulse;
using namespace peerpulse::test;
using peerpulse::wire::Farewells;

namespace {

struct NobodyIsTold : net::ConnectionCallbacks {
  void onRead(Slice) override { FAIL_CHECK("the former owner was told"); }
  void onEof() override { FAIL_CHECK("the former owner was told"); }
  void onWritable() override { FAIL_CHECK("the former owner was told"); }
  void onClosed(const Error&) override { FAIL_CHECK("the former owner was told"); }
};

struct Fixture {
  Script& take(const std::string& words, int writeRoom) {
    scripts.emplace_back();
    Script& script = scripts.back();
    script.writeRoom = static_cast<size_t>(writeRoom);
    auto connection =
        net::Connection::accepted(scheduler, blocks, std::make_unique<ScriptedTransport>(script), owner);
    connection->output().append(words);
    connection->flush();
    farewells.take(std::move(connection));
    return script;
  }
  std::list<Script> scripts;  // transports live as long as the scheduler has yet to delete them
  ManualScheduler scheduler;
  net::ReadBlocks blocks;
  NobodyIsTold owner;
  Farewells farewells{scheduler};
};

}  // namespace

TEST_CASE(
    "farewells: our direction ends after the last byte, the rest is thrown away, the remote side's end closes") {
  Fixture f;
  Script& script = f.take("goodbye", 4);
  CHECK(script.written == "good");
  CHECK_FALSE(script.ended);
  script.arrives("what the remote side still says");
  script.writeRoom = 100;
  script.events->onTransportReady(net::ready::kRead | net::ready::kWrite);
  CHECK(script.written == "goodbye");
  CHECK(script.ended);
  CHECK(script.reads.empty());
  CHECK_FALSE(script.closed);
  CHECK(f.farewells.size() == 1);
  script.reads.push_back({net::IoResult::end(), ""});
  script.events->onTransportReady(net::ready::kRead);
  CHECK(script.closed);
  CHECK(f.farewells.empty());
  f.scheduler.advance(Farewells::kLinger * 2);  // its timer went with it
}

TEST_CASE("farewells: the remote side's end before the last byte, and a reset") {
  Fixture f;
  Script& ends = f.take("goodbye", 4);
  Script& resets = f.take("goodbye", 4);
  ends.reads.push_back({net::IoResult::end(), ""});
  ends.events->onTransportReady(net::ready::kRead);
  CHECK_FALSE(ends.closed);
  ends.writeRoom = 100;
  ends.events->onTransportReady(net::ready::kWrite);
  CHECK(ends.written == "goodbye");
  CHECK(ends.closed);
  resets.reads.push_back({net::IoResult::failed(ECONNRESET), ""});
  resets.events->onTransportReady(net::ready::kRead);
  CHECK(resets.closed);
  CHECK(f.farewells.empty());
  f.scheduler.turn();
}

TEST_CASE("farewells: nobody lingers longer than kLinger") {
  Fixture f;
  Script& first = f.take("goodbye", 0);
  f.scheduler.advance(Farewells::kLinger / 2);
  Script& second = f.take("goodbye", 100);
  f.scheduler.advance(Farewells::kLinger / 2 - milliseconds(1));
  CHECK_FALSE(first.closed);
  f.scheduler.advance(milliseconds(2));
  CHECK(first.closed);
  CHECK_FALSE(second.closed);
  f.scheduler.advance(Farewells::kLinger / 2);
  CHECK(second.closed);
  CHECK(f.farewells.empty());
}

TEST_CASE("farewells: one more than kMax ends the oldest") {
  Fixture f;
  for (size_t i = 0; i < Farewells::kMax; ++i)
    f.take("goodbye", 0);
  CHECK(f.farewells.size() == Farewells::kMax);
  CHECK_FALSE(f.scripts.front().closed);
  f.take("goodbye", 0);
  CHECK(f.farewells.size() == Farewells::kMax);
  CHECK(f.scripts.front().closed);
  CHECK_FALSE(std::next(f.scripts.begin())->closed);
}

TEST_CASE("farewells: those who are left are closed with them") {
  ManualScheduler scheduler;
  net::ReadBlocks blocks;
  NobodyIsTold owner;
  Script script;
  script.writeRoom = 0;
  {
    Farewells farewells(scheduler);
    auto connection =
        net::Connection::accepted(scheduler, blocks, std::make_unique<ScriptedTransport>(script), owner);
    connection->output().append("goodbye");
    farewells.take(std::move(connection));
    CHECK_FALSE(script.closed);
  }
  CHECK(script.closed);
  scheduler.advance(seconds(2));
}
