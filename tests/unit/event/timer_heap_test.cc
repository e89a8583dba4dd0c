// Goal: timers come out in order, each once, whatever is armed, moved and removed meanwhile.
// Method: random operations beside a sorted list that does the same the slow way.
#include "peerpulse/event/timer_heap.h"

#include <algorithm>
#include <functional>
#include <list>
#include <memory>
#include <random>
#include <vector>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::event;

namespace {

constexpr TimePoint at(int ms) { return TimePoint() + milliseconds(ms); }

struct Entry : TimerHeap::Entry {
  explicit Entry(int n, std::vector<int>& order) : number(n), fired(order) {}
  void onDue() override {
    fired.push_back(number);
    if (then) then();
  }
  int number;
  std::vector<int>& fired;
  std::function<void()> then;
};

}  // namespace

TEST_CASE("timer heap: due entries fire earliest first, equal ones in the order of arming") {
  TimerHeap heap;
  std::vector<int> fired;
  Entry a(1, fired), b(2, fired), c(3, fired), d(4, fired);
  CHECK(heap.arm(a, at(20)));
  CHECK(heap.arm(b, at(10)));
  CHECK_FALSE(heap.arm(c, at(20)));
  CHECK_FALSE(heap.arm(d, at(30)));
  CHECK(heap.next() == at(10));
  heap.run(at(20));
  CHECK(fired == std::vector<int>{2, 1, 3});
  CHECK_FALSE(a.armed());
  CHECK(d.armed());
  heap.run(at(29));
  CHECK(fired.size() == 3);
  CHECK(heap.next() == at(30));
}

TEST_CASE("timer heap: what is armed by a callback for now waits for the next run") {
  TimerHeap heap;
  std::vector<int> fired;
  Entry again(1, fired), other(2, fired);
  again.then = [&] { heap.arm(again, at(5)); };
  heap.arm(again, at(5));
  heap.arm(other, at(5));
  heap.run(at(5));
  CHECK(fired == std::vector<int>{1, 2});
  heap.run(at(5));
  CHECK(fired == std::vector<int>{1, 2, 1});
  heap.remove(again);
}

TEST_CASE("timer heap: a callback may remove and destroy others that are due") {
  TimerHeap heap;
  std::vector<int> fired;
  Entry first(1, fired);
  auto second = std::make_unique<Entry>(2, fired);
  Entry third(3, fired);
  first.then = [&] {
    second.reset();
    heap.remove(third);
  };
  heap.arm(first, at(1));
  heap.arm(*second, at(2));
  heap.arm(third, at(3));
  heap.run(at(10));
  CHECK(fired == std::vector<int>{1});
  CHECK(heap.next() == TimePoint::max());
}

TEST_CASE("timer heap: a heap that goes first leaves its entries disarmed") {
  std::vector<int> fired;
  Entry entry(1, fired);
  {
    TimerHeap heap;
    heap.arm(entry, at(1));
  }
  CHECK_FALSE(entry.armed());
}

TEST_CASE("timer heap: agrees with a sorted list over random operations") {
  std::minstd_rand random(7);
  TimerHeap heap;
  std::vector<int> fired, expected;
  std::list<Entry> entries;
  for (int i = 0; i < 64; ++i)
    entries.emplace_back(i, fired);
  struct Armed {
    int at, order, number;
  };
  std::vector<Armed> model;
  int order = 0, now = 0;
  for (int step = 0; step < 20'000; ++step) {
    auto entry = std::next(entries.begin(), static_cast<long>(random() % entries.size()));
    const auto same = [&](const Armed& armed) { return armed.number == entry->number; };
    switch (random() % 4) {
      case 0:
      case 1: {
        const int when = now + static_cast<int>(random() % 50);
        std::erase_if(model, same);
        model.push_back({when, order++, entry->number});
        heap.arm(*entry, at(when));
        break;
      }
      case 2:
        std::erase_if(model, same);
        heap.remove(*entry);
        break;
      default: {
        now += static_cast<int>(random() % 8);
        std::sort(model.begin(), model.end(),
                  [](const Armed& a, const Armed& b) { return a.at != b.at ? a.at < b.at : a.order < b.order; });
        while (!model.empty() && model.front().at <= now) {
          expected.push_back(model.front().number);
          model.erase(model.begin());
        }
        heap.run(at(now));
      }
    }
    REQUIRE(heap.size() == model.size());
  }
  CHECK(fired.size() > 1000);
  CHECK(fired == expected);
}
