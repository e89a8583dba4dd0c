// sim: many seeds of the simulation. See tools/sim --help.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "world.h"

namespace peerpulse::sim {
namespace {

struct Arguments {
  uint64_t seeds = 2000;
  uint64_t first = 1;
  double hours = 315.0 / 3600;
  bool trace = false;
  unsigned jobs = 0;
};

constexpr const char* kUsage =
    "usage: sim [--seeds N] [--first SEED] [--hours H] [--trace] [--jobs J]\n"
    "  --seeds N     how many seeds (2000)\n"
    "  --first SEED  the first of them (1)\n"
    "  --hours H     virtual hours per seed (0.0875: 315 s)\n"
    "  --trace       print every event as it happens\n"
    "  --jobs J      threads (one per processor)\n";

bool parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--trace") == 0) {
      arguments.trace = true;
      continue;
    }
    if (i + 1 >= argc) return false;
    const char* value = argv[i + 1];
    char* end = nullptr;
    if (std::strcmp(argv[i], "--seeds") == 0) {
      arguments.seeds = std::strtoull(value, &end, 10);
    } else if (std::strcmp(argv[i], "--first") == 0) {
      arguments.first = std::strtoull(value, &end, 10);
    } else if (std::strcmp(argv[i], "--hours") == 0) {
      arguments.hours = std::strtod(value, &end);
    } else if (std::strcmp(argv[i], "--jobs") == 0) {
      arguments.jobs = static_cast<unsigned>(std::strtoul(value, &end, 10));
    } else {
      return false;
    }
    if (*value == '\0' || *end != '\0') return false;
    ++i;
  }
  return arguments.seeds > 0 && arguments.hours > 0 && arguments.hours < 10'000;
}

/// The seeds, shared among the threads; a thread takes the next one when it is free.
class Run {
 public:
  explicit Run(const Arguments& arguments)
      : arguments_(arguments), length_(nanoseconds(static_cast<int64_t>(arguments.hours * 3600e9))) {}

  Statistics run() {
    unsigned jobs = arguments_.jobs != 0 ? arguments_.jobs : std::max(1u, std::thread::hardware_concurrency());
    if (arguments_.trace) jobs = 1;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < jobs; ++i)
      threads.emplace_back([this] { work(); });
    for (std::thread& thread : threads)
      thread.join();
    return total_;
  }

 private:
  static constexpr uint64_t kPrinted = 5;  // violations with their logs

  void work() {
    const auto world = std::make_unique<World>();
    Statistics mine;
    for (;;) {
      const uint64_t i = next_.fetch_add(1);
      if (i >= arguments_.seeds) break;
      const uint64_t seed = arguments_.first + i;
      world->reset(seed, arguments_.trace);
      world->runFor(length_);
      world->finish();
      mine.add(world->statistics());
      if (world->violation() != nullptr) complain(*world, seed);
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    total_.add(mine);
  }

  void complain(const World& world, uint64_t seed) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), world.violation());
    if (printed_++ < kPrinted && !arguments_.trace) {
      world.printLog(stdout);
      std::printf("replay: tools/sim --first %llu --seeds 1 --trace%s\n", static_cast<unsigned long long>(seed),
                  arguments_.hours == Arguments{}.hours ? "" : " and the same --hours");
    }
    std::fflush(stdout);
  }

  Arguments arguments_;
  Duration length_;
  std::atomic<uint64_t> next_{0};
  std::mutex mutex_;
  uint64_t printed_ = 0;
  Statistics total_;
};

double years(Duration d) { return toSeconds(d) / (365.0 * 86400); }

void printLatencies(const char* name, const Latencies& latencies) {
  std::printf("detection, %s: n %llu, p50 %.1f ms, p99 %.1f ms, max %.1f ms\n", name,
              static_cast<unsigned long long>(latencies.count()), toMillis(latencies.percentile(50)),
              toMillis(latencies.percentile(99)), toMillis(latencies.max()));
}

void print(const Statistics& s) {
  const auto n = [](uint64_t count) { return static_cast<unsigned long long>(count); };
  printLatencies("lan, nothing else wrong", s.cleanLan);
  printLatencies("fast, nothing else wrong", s.cleanFast);
  printLatencies("wan, nothing else wrong", s.cleanWan);
  printLatencies("all cuts", s.allCuts);
  std::printf("suspicions per peer-day while reachable, by loss:");
  for (size_t i = 0; i < kLossClasses; ++i) {
    const double days = toSeconds(s.reachableTime[i]) / 86400;
    if (days > 0) std::printf(" %s %.0f (%.1f days)", toString(static_cast<LossClass>(i)),
                              static_cast<double>(s.suspicions[i]) / days, days);
  }
  std::printf("\noutages %llu, exchanges %llu, refused %llu, failed in flight %llu, trials %llu, retries %llu\n",
              n(s.outages), n(s.exchanges), n(s.refused), n(s.failedInFlight), n(s.trials), n(s.retries));
  std::printf("false dead outside the per-event condition: by loss > 0.5 %% %llu (explained by it %.3g%s), in a burst "
              "%llu, accept queue full %llu, path grown beyond C %llu; refusing called dead %llu\n",
              n(s.falseDead), s.falseDeadExpected, s.falseDeadRateBroken() ? ": TOO MANY" : "", n(s.burstDead),
              n(s.fullQueueDead), n(s.longPathDead), n(s.refusingDead));
  std::printf("seeds %llu, virtual years %.4f (peer time %.4f), events %llu, violations %llu, detections %llu "
              "p50 %.1f p99 %.1f max %.1f ms, false dead %llu\n",
              n(s.seeds), years(s.worldTime), years(s.peerTime), n(s.events), n(s.violations), n(s.allCuts.count()),
              toMillis(s.allCuts.percentile(50)), toMillis(s.allCuts.percentile(99)), toMillis(s.allCuts.max()),
              n(s.falseDead));
}

}  // namespace
}  // namespace peerpulse::sim

int main(int argc, char** argv) {
  peerpulse::sim::Arguments arguments;
  if (!peerpulse::sim::parse(argc, argv, arguments)) {
    std::fputs(peerpulse::sim::kUsage, stderr);
    return 2;
  }
  const peerpulse::sim::Statistics statistics = peerpulse::sim::Run(arguments).run();
  peerpulse::sim::print(statistics);
  return statistics.violations != 0 || statistics.falseDeadRateBroken() ? 1 : 0;
}
