#include "common/io_pool.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace peerpulse;
using tools::IoPool;
using tools::IoSlot;

TEST_CASE("IoPool: work runs on another thread, its completion on the loop") {
  event::Dispatcher loop;
  IoPool pool(2);
  IoSlot slot(pool, loop);
  std::thread::id worker;
  bool completed = false;
  const std::thread::id loopThread = std::this_thread::get_id();
  slot.start([&] { worker = std::this_thread::get_id(); },
             [&] {
               completed = std::this_thread::get_id() == loopThread && !slot.busy();
               loop.exit();
             });
  CHECK(slot.busy());
  loop.run();
  CHECK(completed);
  CHECK(worker != std::this_thread::get_id());
}

TEST_CASE("IoPool: a completion may start the next work; every slot gets its turns") {
  event::Dispatcher loop;
  IoPool pool(3);
  constexpr int kSlots = 20;
  constexpr int kTurns = 25;
  struct User {
    std::unique_ptr<IoSlot> slot;
    int turns = 0;
  };
  std::vector<User> users(kSlots);
  std::atomic<int> worked{0};
  int finished = 0;
  std::function<void(User&)> next = [&](User& user) {
    user.slot->start([&] { ++worked; },
                     [&] {
                       if (++user.turns < kTurns) {
                         next(user);
                       } else if (++finished == kSlots) {
                         loop.exit();
                       }
                     });
  };
  for (User& user : users) {
    user.slot = std::make_unique<IoSlot>(pool, loop);
    next(user);
  }
  loop.run();
  CHECK(worked == kSlots * kTurns);
}

TEST_CASE("IoPool: stop() finishes what is queued") {
  event::Dispatcher loop;
  std::atomic<int> worked{0};
  int completed = 0;
  {
    IoPool pool(1);
    std::vector<std::unique_ptr<IoSlot>> slots;
    for (int i = 0; i < 10; ++i) {
      slots.push_back(std::make_unique<IoSlot>(pool, loop));
      slots.back()->start([&] { ++worked; }, [&] { ++completed; });
    }
    pool.stop();
    CHECK(worked == 10);
    loop.post([&] { loop.exit(); });
    loop.run();
    CHECK(completed == 10);
  }
}
