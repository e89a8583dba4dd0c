// A peer that serves so many exchanges at once and queues the others, workers that send to it through a Governor each, and
// time: pure, seeded, some hundred thousand exchanges a second.
#pragma once

#include <deque>
#include <memory>
#include <queue>
#include <vector>

#include <doctest/doctest.h>

#include "governor.h"
#include "seeded_random.h"

namespace peerpulse::upstream::test {

struct ModelPeer {
  uint32_t slots = 16;
  Duration service = milliseconds(5);  ///< mean; each takes half of it to half more
  bool stalled = false;                ///< it begins nothing
};

struct ModelWorker {
  explicit ModelWorker(const GovernorOptions& options) : governor(options) {}
  Governor governor;
  bool enforces = true;
  Duration gap = Duration::max();  ///< between arrivals, mean; max: none
  uint64_t offered = 0, refused = 0, answered = 0;
};

class GovernorWorld {
 public:
  GovernorWorld(uint64_t seed, const ModelPeer& model, GovernorOptions governorOptions = {}, size_t count = 1)
      : random(seed), peer(model), options(enforcing(governorOptions)) {
    for (size_t i = 0; i < count; ++i)
      workers.push_back(std::make_unique<ModelWorker>(options));
  }

  static GovernorOptions enforcing(GovernorOptions options) {
    options.mode = GovernorMode::kEnforce;
    return options;
  }
  /// From now on this worker refuses nobody.
  void observe(size_t i = 0) {
    GovernorOptions observing = options;
    observing.mode = GovernorMode::kObserve;
    worker(i).governor.configure(observing);
    worker(i).enforces = false;
  }
  ModelWorker& worker(size_t i = 0) { return *workers[i]; }
  /// From now on so many a second.
  void load(size_t i, double perSecond) {
    worker(i).gap = Duration(static_cast<int64_t>(1e9 / perSecond));
    events_.push({now + arrivalGap(i), ++order_, true, i, ++epochs_, {}});
    epochOf_.resize(workers.size());
    epochOf_[i] = epochs_;
  }
  void quiet(size_t i = 0) { epochOf_[i] = ++epochs_; }
  /// One that the peer answers only after this, whatever else it does.
  void longPoll(size_t i, Duration takes) {
    if (!admit(i)) return;
    const uint64_t number = worker(i).governor.owe();
    events_.push({now + takes, ++order_, false, i, 0, {i, number, now, true}});
  }
  void setPeer(const ModelPeer& model) {
    peer = model;
    begin();
  }
  /// What the peer could answer in a second.
  double capacity() const { return peer.slots / toSeconds(peer.service); }

  template <typename After>
  void run(Duration duration, After after) {
    const TimePoint end = now + duration;
    while (!events_.empty() && events_.top().at <= end) {
      const Event event = events_.top();
      events_.pop();
      now = event.at;
      if (event.arrival) {
        arrive(event);
      } else {
        complete(event.exchange);
      }
      for (const auto& each : workers) {
        const Governor& governor = each->governor;
        if (governor.limiting() && *governor.limit() < options.floor) FAIL("below the floor");
      }
      after();
    }
    now = end;
  }
  void run(Duration duration) {
    run(duration, [] {});
  }

  peerpulse::test::Random random;
  ModelPeer peer;
  const GovernorOptions options;
  std::vector<std::unique_ptr<ModelWorker>> workers;
  TimePoint now = TimePoint(seconds(1000));

 private:
  struct Exchange {
    size_t worker = 0;
    uint64_t number = 0;
    TimePoint sentAt;
    bool poll = false;
  };
  struct Event {
    TimePoint at;
    uint64_t order;
    bool arrival;
    size_t worker;
    uint64_t epoch;
    Exchange exchange;
    bool operator<(const Event& other) const { return at != other.at ? at > other.at : order > other.order; }
  };

  Duration arrivalGap(size_t i) { return random.between(Duration::zero(), 2 * worker(i).gap); }
  bool admit(size_t i) {
    ModelWorker& of = worker(i);
    ++of.offered;
    if (!of.governor.mayEnter(now)) {
      ++of.refused;
      if (of.enforces) return false;
    }
    of.governor.enter();
    return true;
  }
  void arrive(const Event& event) {
    if (epochOf_[event.worker] != event.epoch) return;
    events_.push({now + arrivalGap(event.worker), ++order_, true, event.worker, event.epoch, {}});
    if (!admit(event.worker)) return;
    queue_.push_back({event.worker, worker(event.worker).governor.owe(), now});
    begin();
  }
  void begin() {
    while (!peer.stalled && busy_ < peer.slots && !queue_.empty()) {
      ++busy_;
      const Duration takes = random.between(peer.service / 2, peer.service * 3 / 2);
      events_.push({now + takes, ++order_, false, 0, 0, queue_.front()});
      queue_.pop_front();
    }
  }
  void complete(const Exchange& exchange) {
    if (!exchange.poll) --busy_;
    ModelWorker& of = worker(exchange.worker);
    of.governor.answered(exchange.number, now - exchange.sentAt, now);
    ++of.answered;
    begin();
  }

  std::priority_queue<Event> events_;
  std::deque<Exchange> queue_;
  std::vector<uint64_t> epochOf_;
  uint64_t epochs_ = 0;
  uint64_t order_ = 0;
  uint32_t busy_ = 0;
};

}  // namespace peerpulse::upstream::test
