// Runs a loop until something has happened.
#pragma once

#include <memory>

#include <doctest/doctest.h>

#include "peerpulse/event/dispatcher.h"

namespace peerpulse::test {

/// Looks every 0.2 ms; fails the test after ten seconds.
template <typename Condition>
void runUntil(event::Dispatcher& dispatcher, Condition condition) {
  const TimePoint stop = dispatcher.now() + seconds(10);
  std::unique_ptr<event::Timer> timer;
  timer = dispatcher.createTimer([&] {
    if (condition() || dispatcher.now() > stop) {
      dispatcher.exit();
    } else {
      timer->enable(microseconds(200));
    }
  });
  timer->enable(Duration::zero());
  dispatcher.run();
  REQUIRE(condition());
}

}  // namespace peerpulse::test
