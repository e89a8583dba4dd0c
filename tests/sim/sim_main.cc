// sim: many seeds of the simulation. See tools/sim --help.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "seed_run.h"

namespace peerpulse::sim {
namespace {

constexpr const char* kUsage =
    "usage: sim [--seeds N] [--first SEED] [--hours H] [--trace] [--jobs J]\n"
    "  --seeds N     how many seeds (2000)\n"
    "  --first SEED  the first of them (1)\n"
    "  --hours H     virtual hours per seed (0.0875: 315 s)\n"
    "  --trace       print every event as it happens\n"
    "  --jobs J      threads (one per processor)\n";

bool parse(int argc, char** argv, SeedRunOptions& options) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--trace") == 0) {
      options.trace = true;
      continue;
    }
    if (i + 1 >= argc) return false;
    const char* value = argv[i + 1];
    char* end = nullptr;
    if (std::strcmp(argv[i], "--seeds") == 0) {
      options.seeds = std::strtoull(value, &end, 10);
    } else if (std::strcmp(argv[i], "--first") == 0) {
      options.first = std::strtoull(value, &end, 10);
    } else if (std::strcmp(argv[i], "--hours") == 0) {
      const double hours = std::strtod(value, &end);
      if (!(hours > 0 && hours < 10'000)) return false;
      options.length = nanoseconds(static_cast<int64_t>(hours * 3600e9));
    } else if (std::strcmp(argv[i], "--jobs") == 0) {
      options.jobs = static_cast<unsigned>(std::strtoul(value, &end, 10));
    } else {
      return false;
    }
    if (*value == '\0' || *end != '\0') return false;
    ++i;
  }
  return options.seeds > 0;
}

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
    if (days > 0)
      std::printf(" %s %.0f (%.1f days)", toString(static_cast<LossClass>(i)),
                  static_cast<double>(s.suspicions[i]) / days, days);
  }
  std::printf("\noutages %llu, exchanges %llu, refused %llu, failed in flight %llu, trials %llu, retries %llu\n",
              n(s.outages), n(s.exchanges), n(s.refused), n(s.failedInFlight), n(s.trials), n(s.retries));
  std::printf(
      "false dead outside the per-event condition: by loss > 0.5 %% %llu (explained by it %.3g%s), in a "
      "burst %llu, accept queue full %llu, path grown beyond C %llu; refusing called dead %llu\n",
      n(s.falseDead), s.falseDeadExpected, s.falseDeadRateBroken() ? ": TOO MANY" : "", n(s.burstDead),
      n(s.fullQueueDead), n(s.longPathDead), n(s.refusingDead));
  std::printf(
      "seeds %llu, virtual years %.4f (peer time %.4f), events %llu, violations %llu, detections %llu "
      "p50 %.1f p99 %.1f max %.1f ms, false dead %llu\n",
      n(s.seeds), years(s.worldTime), years(s.peerTime), n(s.events), n(s.violations), n(s.allCuts.count()),
      toMillis(s.allCuts.percentile(50)), toMillis(s.allCuts.percentile(99)), toMillis(s.allCuts.max()),
      n(s.falseDead));
}

}  // namespace
}  // namespace peerpulse::sim

int main(int argc, char** argv) {
  peerpulse::sim::SeedRunOptions options;
  if (!peerpulse::sim::parse(argc, argv, options)) {
    std::fputs(peerpulse::sim::kUsage, stderr);
    return 2;
  }
  const peerpulse::sim::Statistics statistics = peerpulse::sim::SeedRun(options).run();
  peerpulse::sim::print(statistics);
  return statistics.violations != 0 || statistics.falseDeadRateBroken() ? 1 : 0;
}
