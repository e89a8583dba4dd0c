// sim: many seeds of the simulation. See tools/sim --help.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "seed_run.h"

namespace peerpulse::sim {
namespace {

constexpr const char* kUsage =
    "usage: sim [--seeds N] [--first SEED] [--world detector|carry|fanout|all] [--hours H] [--carry-seconds S] "
    "[--trace]\n"
    "           [--jobs J] [--until-found]\n"
    "  --seeds N          how many seeds (2000)\n"
    "  --first SEED       the first of them (1)\n"
    "  --world W          probes alone, traffic too, that of the fan-out API, or each seed in all of them (all)\n"
    "  --hours H          virtual hours per seed of probes alone (0.0875: 315 s)\n"
    "  --carry-seconds S  virtual seconds per seed with traffic, until its clients stop (20)\n"
    "  --trace            print every event as it happens\n"
    "  --jobs J           threads (one per processor)\n"
    "  --until-found      stop at the first violation, and print no more than it\n";

bool parseWorld(const char* value, SeedRunOptions& options) {
  const std::string_view world = value;
  const bool all = world == "all";
  options.detector = all || world == "detector";
  options.carry = all || world == "carry";
  options.fanout = all || world == "fanout";
  return options.detector || options.carry || options.fanout;
}

bool parseFlag(const char* argument, SeedRunOptions& options) {
  const std::string_view flag = argument;
  if (flag == "--trace") {
    options.trace = true;
  } else if (flag == "--until-found") {
    options.stopAtFirst = true;
    options.printed = 0;
  } else {
    return false;
  }
  return true;
}

bool parseValue(std::string_view name, const char* value, SeedRunOptions& options) {
  if (*value == '\0') return false;
  if (name == "--world") return parseWorld(value, options);
  char* end = nullptr;
  if (name == "--seeds") {
    options.seeds = std::strtoull(value, &end, 10);
  } else if (name == "--first") {
    options.first = std::strtoull(value, &end, 10);
  } else if (name == "--hours" || name == "--carry-seconds") {
    const bool hours = name == "--hours";
    const double given = std::strtod(value, &end) * (hours ? 3600 : 1);
    if (!(given > 0 && given < 36e6)) return false;
    (hours ? options.length : options.carryLength) = nanoseconds(static_cast<int64_t>(given * 1e9));
  } else if (name == "--jobs") {
    options.jobs = static_cast<unsigned>(std::strtoul(value, &end, 10));
  } else {
    return false;
  }
  return *end == '\0';
}

bool parse(int argc, char** argv, SeedRunOptions& options) {
  for (int i = 1; i < argc; ++i) {
    if (parseFlag(argv[i], options)) continue;
    if (i + 1 >= argc || !parseValue(argv[i], argv[i + 1], options)) return false;
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
  std::printf(
      "\noutages %llu, exchanges %llu (complete %llu), refused %llu, failed in flight %llu, retries %llu, held %llu, "
      "ramped %llu, failed open %llu\n",
      n(s.outages), n(s.exchanges), n(s.completed), n(s.refused), n(s.failedInFlight), n(s.retries), n(s.held),
      n(s.ramped), n(s.failOpen));
  std::printf("operations %llu (answered %llu, as was asked for %llu), second and later disks %llu\n",
              n(s.operations), n(s.operationAnswers), n(s.operationSuccesses), n(s.fallbacks));
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
  options.fanout = true;
  if (!peerpulse::sim::parse(argc, argv, options)) {
    std::fputs(peerpulse::sim::kUsage, stderr);
    return 2;
  }
  options.tellAborts = true;
  const peerpulse::sim::Statistics statistics = peerpulse::sim::SeedRun(options).run();
  peerpulse::sim::print(statistics);
  return statistics.violations != 0 || statistics.falseDeadRateBroken() ? 1 : 0;
}
