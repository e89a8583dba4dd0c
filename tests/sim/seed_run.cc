#include "seed_run.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

namespace peerpulse::sim {

Statistics SeedRun::run() {
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
    world->reset(seed, options_.trace);
    world->runFor(options_.length);
    world->finish();
    mine->add(world->statistics());
    if (world->violation() != nullptr) complain(*world, seed);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  total_.add(*mine);
}

void SeedRun::complain(const World& world, uint64_t seed) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), world.violation());
  if (printed_++ < kPrinted && !options_.trace) {
    world.printLog(stdout);
    std::printf("replay: tools/sim --first %llu --seeds 1 --hours %.6f --trace\n",
                static_cast<unsigned long long>(seed), toSeconds(options_.length) / 3600);
  }
  std::fflush(stdout);
}

}  // namespace peerpulse::sim
