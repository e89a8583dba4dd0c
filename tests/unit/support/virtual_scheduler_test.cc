// Goal: virtual time passes only when told, loops that share it run in one reproducible order, and a loop can be late.
#include "virtual_scheduler.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::test;

TEST_CASE("virtual scheduler: a timer fires at its moment, once, and can be moved") {
  VirtualTime time;
  VirtualScheduler loop(time);
  const TimePoint start = time.now();
  std::vector<Duration> fired;
  auto timer = loop.createTimer([&] { fired.push_back(time.now() - start); });
  timer->enable(milliseconds(5));
  timer->enable(milliseconds(7));
  CHECK(timer->enabled());
  CHECK(loop.nextEvent() == start + milliseconds(7));
  time.runFor(milliseconds(20));
  CHECK(fired == std::vector<Duration>{milliseconds(7)});
  CHECK(time.now() == start + milliseconds(20));
  timer->enable(milliseconds(1));
  timer->disable();
  CHECK(loop.nextEvent() == TimePoint::max());
  CHECK_FALSE(time.stepBefore(TimePoint::max()));
}

TEST_CASE("virtual scheduler: the clocks move together") {
  VirtualTime time;
  VirtualScheduler loop(time);
  const WallTime wall = loop.wallNow();
  time.advanceTo(time.now() + seconds(3));
  CHECK(loop.now() == time.now());
  CHECK(loop.wallNow() - wall == seconds(3));
}

TEST_CASE("virtual scheduler: a blocked loop runs late all that became due, timers by their moments") {
  VirtualTime time;
  VirtualScheduler loop(time);
  std::string order;
  auto late = loop.createTimer([&] { order += 'b'; });
  auto early = loop.createTimer([&] { order += 'a'; });
  late->enable(milliseconds(20));
  early->enable(milliseconds(10));
  loop.post([&] { order += 'p'; });
  const TimePoint until = time.now() + milliseconds(50);
  loop.block(until);
  CHECK(loop.nextEvent() == until);
  time.runFor(milliseconds(49));
  CHECK(order.empty());
  time.runFor(milliseconds(1));
  CHECK(order == "pab");
  CHECK(time.now() == until);

  loop.block(TimePoint::max());
  late->enable(milliseconds(1));
  time.runFor(seconds(10));
  CHECK(order == "pab");
  loop.unblock();
  CHECK(time.stepBefore(TimePoint::max()));
  CHECK(order == "pabb");
}

TEST_CASE("virtual scheduler: a loop whose turns take time is free again only after that") {
  VirtualTime time;
  VirtualScheduler loop(time);
  loop.setTurnCost(milliseconds(3));
  const TimePoint start = time.now();
  std::vector<Duration> at;
  for (int i = 0; i < 2; ++i) {
    loop.post([&] {
      at.push_back(time.now() - start);
      loop.post([&] { at.push_back(time.now() - start); });
    });
  }
  auto timer = loop.createTimer([&] { at.push_back(time.now() - start); });
  timer->enable(milliseconds(4));
  time.runFor(seconds(1));
  const Duration none{}, second = milliseconds(3), third = milliseconds(6);
  CHECK(at == std::vector<Duration>{none, none, second, second, third});
}

TEST_CASE("virtual scheduler: loops due at the same moment take turns") {
  VirtualTime time;
  VirtualScheduler one(time), two(time);
  std::string order;
  const auto chain = [&](VirtualScheduler& loop, char mark) {
    for (int i = 0; i < 3; ++i) {
      loop.post([&order, &loop, mark] {
        order += mark;
        loop.post([&order, mark] { order += mark; });
      });
    }
  };
  chain(one, '1');
  chain(two, '2');
  CHECK(time.runUntil([&] { return order.size() == 12; }));
  CHECK(order == "111222111222");
}

TEST_CASE("virtual scheduler: a post to another loop runs there, in a turn of its own") {
  VirtualTime time;
  VirtualScheduler one(time), two(time);
  std::string order;
  one.post([&] {
    two.post([&] {
      order += '2';
      one.post([&] { order += '1'; });
    });
    order += '.';
  });
  time.runFor(Duration::zero());
  CHECK(order == ".21");
}

TEST_CASE("virtual scheduler: an outer heap of events goes before what is due at the same moment") {
  VirtualTime time;
  VirtualScheduler loop(time);
  std::string order;
  auto timer = loop.createTimer([&] { order += 'T'; });
  timer->enable(milliseconds(10));
  const TimePoint outer = time.now() + milliseconds(10);
  CHECK_FALSE(time.stepBefore(outer));
  time.advanceTo(outer);
  order += 'O';
  CHECK(time.stepBefore(outer + milliseconds(1)));
  CHECK(order == "OT");
}

TEST_CASE("virtual scheduler: what is deferred outside of a turn goes in the next one, or with the loop") {
  struct Counted : event::DeferredDeletable {
    explicit Counted(int& c) : count(c) {}
    ~Counted() override { ++count; }
    int& count;
  };
  VirtualTime time;
  int gone = 0;
  {
    VirtualScheduler loop(time);
    loop.deferredDelete(std::make_unique<Counted>(gone));
    CHECK(loop.nextEvent() == time.now());
    time.runFor(Duration::zero());
    CHECK(gone == 1);
    loop.deferredDelete(std::make_unique<Counted>(gone));
    loop.post([held = std::make_shared<Counted>(gone)] {});
  }
  CHECK(gone == 3);
}

TEST_CASE("virtual scheduler: a destroyed source is not told what it was woken for") {
  struct Always : VirtualScheduler::Source {
    Always(VirtualScheduler& s, int& c) : Source(s), count(c) { watch(1); }
    uint32_t holds() const override { return 1; }
    void onReady(uint32_t) override { ++count; }
    int& count;
  };
  VirtualTime time;
  VirtualScheduler loop(time);
  int told = 0;
  auto source = std::make_unique<Always>(loop, told);
  loop.runTurn();
  CHECK(told == 1);
  source.reset();
  loop.runTurn();
  CHECK(told == 1);
  CHECK(loop.nextEvent() == TimePoint::max());
}
