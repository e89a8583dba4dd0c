#include "seed_run.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <memory>
#include <thread>
#include <unistd.h>
#include <vector>

#include "peerpulse/log/log.h"

namespace peerpulse::sim {

namespace {

thread_local uint64_t currentSeed = 0;

// Only what is safe in a signal's handler.
extern "C" void onAbort(int) {
  char text[64] = "seed ";
  char digits[24];
  size_t count = 0;
  uint64_t left = currentSeed;
  do {
    digits[count++] = static_cast<char>('0' + left % 10);
    left /= 10;
  } while (left != 0);
  size_t length = 5;
  while (count > 0)
    text[length++] = digits[--count];
  constexpr char kWhat[] = ": assertion broken\n";
  std::memcpy(text + length, kWhat, sizeof kWhat - 1);
  (void)!::write(STDOUT_FILENO, text, length + sizeof kWhat - 1);
  ::_exit(1);
}

}  // namespace

// The fan-out API has a line for each operation that did not go well.
void SeedRun::silenceLog() {
  static std::once_flag once;
  std::call_once(once, [] { (void)log::start({.level = log::Level::kError, .file = "/dev/null"}); });
}

Statistics SeedRun::run() {
  silenceLog();
  if (options_.tellAborts) std::signal(SIGABRT, onAbort);
  unsigned jobs = options_.jobs != 0 ? options_.jobs : std::max(1u, std::thread::hardware_concurrency());
  if (options_.trace) jobs = 1;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < jobs; ++i)
    threads.emplace_back([this] { work(); });
  for (std::thread& thread : threads)
    thread.join();
  return total_;
}

void SeedRun::work() {
  const auto world = std::make_unique<World>();
  const auto mine = std::make_unique<Statistics>();
  for (uint64_t i = next_.fetch_add(1); i < options_.seeds; i = next_.fetch_add(1)) {
    const uint64_t seed = options_.first + i;
    if (options_.detector) runSeed(*world, seed, World::Kind::kDetector, *mine);
    if (options_.carry) runSeed(*world, seed, World::Kind::kCarry, *mine);
    if (options_.fanout) runSeed(*world, seed, World::Kind::kFanout, *mine);
    if (options_.stopAtFirst && mine->violations != 0) next_ = options_.seeds;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  total_.add(*mine);
}

void SeedRun::runSeed(World& world, uint64_t seed, World::Kind kind, Statistics& sum) {
  currentSeed = seed;
  world.reset(seed, options_.trace, kind);
  world.runFor(kind == World::Kind::kDetector ? options_.length : options_.carryLength);
  world.finish();
  sum.add(world.statistics());
  if (world.violation() != nullptr) complain(world, seed, kind);
}

void SeedRun::complain(const World& world, uint64_t seed, World::Kind kind) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), world.violation());
  if (printed_++ < options_.printed && !options_.trace) {
    world.printLog(stdout);
    const bool carry = kind != World::Kind::kDetector;
    const char* name = kind == World::Kind::kFanout ? "fanout" : carry ? "carry" : "detector";
    const Duration length = carry ? options_.carryLength : options_.length;
    std::printf("replay: tools/sim --world %s --first %llu --seeds 1 %s %.6f --trace\n", name,
                static_cast<unsigned long long>(seed), carry ? "--carry-seconds" : "--hours",
                carry ? toSeconds(length) : toSeconds(length) / 3600);
  }
  std::fflush(stdout);
}

}  // namespace peerpulse::sim
