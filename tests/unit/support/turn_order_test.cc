// Goal: code cannot tell a VirtualScheduler from a Dispatcher by the order in which things run.
// Method: each script runs on both, and what it noted must be the same; what it should be is stated too.
#include <array>
#include <functional>
#include <string>
#include <sys/eventfd.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "peerpulse/event/dispatcher.h"
#include "virtual_scheduler.h"

using namespace peerpulse;
using namespace peerpulse::test;

namespace {

/// Something readable or not, level-triggered.
class Signal {
 public:
  virtual ~Signal() = default;
  virtual void raise() = 0;
  virtual void lower() = 0;
  virtual void watch(bool on) = 0;
};

class Loop {
 public:
  virtual ~Loop() = default;
  virtual event::Scheduler& scheduler() = 0;
  virtual std::unique_ptr<Signal> signal(std::function<void()> callback) = 0;
  virtual void run() = 0;
  virtual void exit() = 0;
  /// Runs `script` in a turn of its own, and goes on until as much as `expected` was noted and two turns more.
  void play(std::function<void()> script) {
    auto begin = scheduler().createTimer(std::move(script));
    begin->enable(Duration::zero());
    auto guard = scheduler().createTimer([this] { exit(); });
    guard->enable(seconds(20));
    run();
  }
  void note(char c) {
    notes += c;
    if (notes.size() != expected.size()) return;
    scheduler().post([this] { scheduler().post([this] { exit(); }); });
  }
  std::string expected, notes;
};

class RealLoop final : public Loop {
 public:
  event::Scheduler& scheduler() override { return dispatcher_; }
  std::unique_ptr<Signal> signal(std::function<void()> callback) override {
    return std::make_unique<EventFd>(dispatcher_, std::move(callback));
  }
  void run() override { dispatcher_.run(); }
  void exit() override { dispatcher_.exit(); }

 private:
  struct EventFd final : Signal {
    EventFd(event::Dispatcher& dispatcher, std::function<void()> callback)
        : event(dispatcher.createFileEvent(fd, [callback = std::move(callback)](uint32_t) { callback(); })) {}
    ~EventFd() override {
      event.reset();
      ::close(fd);
    }
    void raise() override { CHECK(::eventfd_write(fd, 1) == 0); }
    void lower() override {
      eventfd_t value;
      CHECK(::eventfd_read(fd, &value) == 0);
    }
    void watch(bool on) override { event->setEnabled(on ? event::FileEvent::kRead : 0); }
    int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    std::unique_ptr<event::FileEvent> event;
  };

  event::Dispatcher dispatcher_;
};

class VirtualLoop final : public Loop {
 public:
  event::Scheduler& scheduler() override { return loop_; }
  std::unique_ptr<Signal> signal(std::function<void()> callback) override {
    return std::make_unique<Flag>(loop_, std::move(callback));
  }
  void run() override {
    time_.runUntil([this] { return over_; });
  }
  void exit() override {
    loop_.post([this] { over_ = true; });
  }

 private:
  struct Flag final : Signal, VirtualScheduler::Source {
    Flag(VirtualScheduler& s, std::function<void()> c) : Source(s), callback(std::move(c)) {}
    void raise() override {
      raised = true;
      wake();
    }
    void lower() override { raised = false; }
    void watch(bool on) override { Source::watch(on ? 1 : 0); }
    uint32_t holds() const override { return raised ? 1 : 0; }
    void onReady(uint32_t) override { callback(); }
    std::function<void()> callback;
    bool raised = false;
  };

  VirtualTime time_;
  VirtualScheduler loop_{time_};
  bool over_ = false;
};

struct Noted : event::DeferredDeletable {
  Noted(Loop& l, char c) : loop(l), mark(c) {}
  ~Noted() override { loop.note(mark); }
  Loop& loop;
  char mark;
};

void check(const std::function<void(Loop&)>& script, const std::string& expected) {
  RealLoop real;
  VirtualLoop simulated;
  for (Loop* loop : {static_cast<Loop*>(&real), static_cast<Loop*>(&simulated)}) {
    loop->expected = expected;
    script(*loop);
  }
  CHECK(real.notes == expected);
  CHECK(simulated.notes == expected);
}

}  // namespace

TEST_CASE("turn order: posts and signals in the order in which they came, then timers, then turn ends") {
  const auto script = [](Loop& loop) {
    auto turnEnd = loop.scheduler().createTurnEnd([&] { loop.note('E'); });
    auto timer = loop.scheduler().createTimer([&] {
      loop.note('T');
      turnEnd->schedule();
    });
    std::array<std::unique_ptr<Signal>, 3> signals;
    for (size_t i = 0; i < signals.size(); ++i) {
      signals[i] = loop.signal([&, i] {
        loop.note(static_cast<char>('1' + i));
        turnEnd->schedule();
        signals[i]->lower();
      });
      signals[i]->watch(true);
    }
    loop.play([&] {
      timer->enable(Duration::zero());
      signals[2]->raise();
      loop.scheduler().post([&] { loop.note('p'); });
      signals[0]->raise();
      loop.note('.');
    });
  };
  check(script, ".3p1TE");
}

TEST_CASE("turn order: turn ends and deferred deletion in the order in which they were asked for") {
  const auto script = [](Loop& loop) {
    auto first = loop.scheduler().createTurnEnd([&] { loop.note('E'); });
    int rounds = 0;
    std::unique_ptr<event::TurnEnd> second;
    second = loop.scheduler().createTurnEnd([&] {
      loop.note('F');
      ++rounds;
      if (rounds == 2) loop.scheduler().deferredDelete(std::make_unique<Noted>(loop, 'z'));
      if (rounds < 3) second->schedule();
    });
    loop.play([&] {
      first->schedule();
      first->schedule();
      loop.scheduler().deferredDelete(std::make_unique<Noted>(loop, 'x'));
      second->schedule();
      loop.scheduler().deferredDelete(std::make_unique<Noted>(loop, 'y'));
      loop.note('.');
      loop.scheduler().post([&] { loop.note('p'); });
    });
  };
  check(script, ".ExyFFzFp");
}

TEST_CASE("turn order: what is ready is told again until it is lowered") {
  const auto script = [](Loop& loop) {
    std::unique_ptr<Signal> a, b;
    int as = 0, bs = 0;
    a = loop.signal([&] {
      loop.note('a');
      if (++as == 3) a->lower();
    });
    b = loop.signal([&] {
      loop.note('b');
      if (++bs == 2) b->lower();
    });
    a->watch(true);
    b->watch(true);
    loop.play([&] {
      b->raise();
      a->raise();
    });
  };
  check(script, "babaa");
}

TEST_CASE("turn order: what newly became ready goes behind what is still ready") {
  const auto script = [](Loop& loop) {
    std::unique_ptr<Signal> a, b;
    int as = 0;
    a = loop.signal([&] {
      loop.note('a');
      if (++as == 1) b->raise();
      if (as == 2) a->lower();
    });
    b = loop.signal([&] {
      loop.note('b');
      b->lower();
    });
    a->watch(true);
    b->watch(true);
    loop.play([&] { a->raise(); });
  };
  check(script, "aab");
}

TEST_CASE("turn order: a source that is no longer waited for is not told, one waited for again in the next turn") {
  const auto script = [](Loop& loop) {
    std::unique_ptr<Signal> a, b, c;
    a = loop.signal([&] {
      loop.note('a');
      a->lower();
      b->watch(false);
      c->watch(false);
      c->watch(true);
      loop.scheduler().post([&] { loop.note('p'); });
    });
    b = loop.signal([&] { loop.note('b'); });
    c = loop.signal([&] {
      loop.note('c');
      c->lower();
    });
    for (Signal* signal : {a.get(), b.get(), c.get()})
      signal->watch(true);
    loop.play([&] {
      for (Signal* signal : {a.get(), b.get(), c.get()})
        signal->raise();
    });
  };
  check(script, "acp");
}

TEST_CASE("turn order: a timer armed for now waits for the next turn's timers") {
  const auto script = [](Loop& loop) {
    auto inner = loop.scheduler().createTimer([&] { loop.note('i'); });
    auto outer = loop.scheduler().createTimer([&] {
      loop.note('o');
      inner->enable(Duration::zero());
      loop.scheduler().post([&] { loop.note('q'); });
    });
    loop.play([&] {
      loop.scheduler().post([&] {
        loop.note('p');
        outer->enable(Duration::zero());
        loop.scheduler().post([&] { loop.note('r'); });
      });
      loop.note('.');
    });
  };
  check(script, ".proqi");
}
