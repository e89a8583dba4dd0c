// Goal: the order the dispatcher promises (posts in order, turn ends after callbacks, deferred deletion last) and
// timers that are never early. Method: a real loop on this thread; other threads post.
#include "peerpulse/event/dispatcher.h"

#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::event;

TEST_CASE("dispatcher: posts run in order, also those posted before run()") {
  Dispatcher dispatcher;
  std::string order;
  dispatcher.post([&] {
    order += 'a';
    dispatcher.post([&] {
      order += 'c';
      dispatcher.exit();
    });
  });
  dispatcher.post([&] { order += 'b'; });
  dispatcher.run();
  CHECK(order == "abc");
}

TEST_CASE("dispatcher: an exit() that comes before run() ends it at once, and the next run() runs") {
  Dispatcher dispatcher;
  dispatcher.exit();
  dispatcher.run();
  bool ran = false;
  auto timer = dispatcher.createTimer([&] {
    ran = true;
    dispatcher.exit();
  });
  timer->enable(milliseconds(1));
  dispatcher.run();
  CHECK(ran);
}

TEST_CASE("dispatcher: posts from many threads all arrive, each thread's in order") {
  Dispatcher dispatcher;
  constexpr int kThreads = 4;
  constexpr int kPosts = 2'000;
  std::vector<int> last(kThreads, -1);
  int received = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        dispatcher.post([&, t, i] {
          CHECK(last[static_cast<size_t>(t)] == i - 1);
          last[static_cast<size_t>(t)] = i;
          if (++received == kThreads * kPosts) dispatcher.exit();
        });
      }
    });
  }
  dispatcher.run();
  for (auto& thread : threads)
    thread.join();
  CHECK(received == kThreads * kPosts);
}

TEST_CASE("dispatcher: a timer is never early, fires once, and can be moved") {
  Dispatcher dispatcher;
  const TimePoint start = dispatcher.now();
  TimePoint fired;
  int count = 0;
  auto moved = dispatcher.createTimer([&] { FAIL("a disabled timer fired"); });
  auto timer = dispatcher.createTimer([&] {
    ++count;
    fired = dispatcher.now();
  });
  auto end = dispatcher.createTimer([&] { dispatcher.exit(); });
  moved->enable(milliseconds(1));
  timer->enable(milliseconds(1));
  timer->enable(milliseconds(12));  // re-arming replaces
  moved->disable();
  end->enable(milliseconds(40));
  dispatcher.run();
  CHECK(count == 1);
  CHECK(fired - start >= milliseconds(12));
}

TEST_CASE("dispatcher: a timer armed late in a long turn counts from then") {
  Dispatcher dispatcher;
  TimePoint armed;
  Duration waited{};
  auto timer = dispatcher.createTimer([&] {
    waited = dispatcher.now() - armed;
    dispatcher.exit();
  });
  dispatcher.post([&] {
    const TimePoint begun = dispatcher.now();
    while (dispatcher.now() - begun < milliseconds(20)) {
    }
    armed = dispatcher.now();
    timer->enable(milliseconds(10));
  });
  dispatcher.run();
  CHECK(waited >= milliseconds(10));
}

TEST_CASE("dispatcher: the end of a turn comes after the turn's other callbacks, once") {
  Dispatcher dispatcher;
  std::string order;
  auto turnEnd = dispatcher.createTurnEnd([&] { order += 'E'; });
  dispatcher.post([&] {
    turnEnd->schedule();
    turnEnd->schedule();
    order += '1';
  });
  dispatcher.post([&] { order += '2'; });
  auto end = dispatcher.createTimer([&] { dispatcher.exit(); });
  end->enable(milliseconds(5));
  dispatcher.run();
  CHECK(order == "12E");
}

namespace {
struct Noted : DeferredDeletable {
  Noted(std::string& o, char c) : order(o), mark(c) {}
  ~Noted() override { order += mark; }
  std::string& order;
  char mark;
};
}  // namespace

TEST_CASE("dispatcher: deferred objects outlive the callback that gave them up, and die in order") {
  Dispatcher dispatcher;
  std::string order;
  dispatcher.post([&] {
    dispatcher.deferredDelete(std::make_unique<Noted>(order, 'x'));
    dispatcher.deferredDelete(std::make_unique<Noted>(order, 'y'));
    order += '1';
    dispatcher.exit();
  });
  dispatcher.run();
  CHECK(order == "1xy");
}

TEST_CASE("dispatcher: file events follow what is enabled") {
  Dispatcher dispatcher;
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
  int reads = 0;
  {
    auto event = dispatcher.createFileEvent(pair[0], [&](uint32_t events) {
      CHECK(events == FileEvent::kRead);
      ++reads;
      char byte;
      REQUIRE(::read(pair[0], &byte, 1) == 1);
    });
    event->setEnabled(FileEvent::kRead);
    REQUIRE(::write(pair[1], "ab", 2) == 2);
    auto off = dispatcher.createTimer([&] {
      event->setEnabled(0);
      REQUIRE(::write(pair[1], "c", 1) == 1);
    });
    off->enable(milliseconds(5));
    auto end = dispatcher.createTimer([&] { dispatcher.exit(); });
    end->enable(milliseconds(15));
    dispatcher.run();
  }
  CHECK(reads == 2);
  ::close(pair[0]);
  ::close(pair[1]);
}
