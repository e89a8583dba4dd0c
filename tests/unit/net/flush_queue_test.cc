// Goal: what is queued in a turn is flushed at its end, once, and nothing that queues itself keeps the loop.
// Method: a real loop.
#include "peerpulse/net/flush_queue.h"

#include <functional>

#include <doctest/doctest.h>

#include "peerpulse/event/dispatcher.h"

using namespace peerpulse;
using namespace peerpulse::net;

namespace {

struct Item : Flushable {
  void flushNow() override {
    ++flushed;
    if (then) then();
  }
  int flushed = 0;
  std::function<void()> then;
};

}  // namespace

TEST_CASE("flush queue: each item once per turn, in order, and not one that is gone") {
  event::Dispatcher loop;
  FlushQueue queue(loop);
  Item first, second;
  auto gone = std::make_unique<Item>();
  second.then = [&] { CHECK(first.flushed == 1); };
  loop.post([&] {
    queue.add(first);
    queue.add(second);
    queue.add(*gone);
    queue.add(first);
    gone.reset();
    CHECK(first.flushed == 0);
  });
  auto end = loop.createTimer([&] { loop.exit(); });
  end->enable(milliseconds(5));
  loop.run();
  CHECK(first.flushed == 1);
  CHECK(second.flushed == 1);
}

TEST_CASE("flush queue: an item that queues itself for ever leaves the loop its turns") {
  event::Dispatcher loop;
  FlushQueue queue(loop);
  Item item;
  item.then = [&] {
    if (item.flushed == 1) {
      loop.post([&] {  // would never get its turn
        item.then = nullptr;
        loop.exit();
      });
    }
    queue.add(item);
  };
  loop.post([&] { queue.add(item); });
  loop.run();
  CHECK(item.flushed > 1);
}
