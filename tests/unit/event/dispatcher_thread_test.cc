// Goal: in builds that check threads, a thread that is not the loop's may not touch the loop while it runs.
#include <functional>
#include <future>
#include <memory>
#include <thread>

#include <doctest/doctest.h>

#include "../../support/aborts.h"
#include "peerpulse/event/dispatcher.h"

using namespace peerpulse;
using namespace peerpulse::event;
using peerpulse::test::aborts;

namespace {

struct Object : DeferredDeletable {};

/// Whether `touch` aborts when another thread runs the loop.
bool refused(const std::function<void(Dispatcher&, Timer&)>& touch) {
  return aborts([&] {
    Dispatcher dispatcher;
    const std::unique_ptr<Timer> timer = dispatcher.createTimer([] {});  // before run(): any thread may
    timer->enable(seconds(60));
    std::promise<void> running;
    dispatcher.post([&] { running.set_value(); });
    std::thread loop([&] { dispatcher.run(); });
    running.get_future().wait();
    touch(dispatcher, *timer);
    dispatcher.exit();
    loop.join();
    timer->disable();  // after run(): any thread may again
  });
}

}  // namespace

TEST_CASE("dispatcher: only post and exit are for other threads while it runs") {
  CHECK_FALSE(refused([](Dispatcher&, Timer&) {}));
  CHECK_FALSE(refused([](Dispatcher& dispatcher, Timer&) { dispatcher.post([] {}); }));
#ifdef PEERPULSE_CHECK_THREADS
  CHECK(refused([](Dispatcher&, Timer& timer) { timer.enable(milliseconds(1)); }));
  CHECK(refused([](Dispatcher&, Timer& timer) { timer.disable(); }));
  CHECK(refused([](Dispatcher& dispatcher, Timer&) { dispatcher.createTimer([] {}); }));
  CHECK(refused([](Dispatcher& dispatcher, Timer&) { dispatcher.createTurnEnd([] {}); }));
  CHECK(refused([](Dispatcher& dispatcher, Timer&) { dispatcher.createFileEvent(0, [](uint32_t) {}); }));
  CHECK(refused([](Dispatcher& dispatcher, Timer&) { dispatcher.deferredDelete(std::make_unique<Object>()); }));
#endif
}
