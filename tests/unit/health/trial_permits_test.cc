// Goal: one trial per generation, whoever asks and on whatever thread.
#include "peerpulse/health/trial_permits.h"

#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace peerpulse::health {
namespace {

constexpr PeerId kPeer{1};

TEST_CASE("trial_permits: one per generation and peer") {
  TrialPermits permits(2);
  CHECK(permits.take(kPeer, 0));  // generation 0 is one like any other
  CHECK_FALSE(permits.take(kPeer, 0));
  CHECK(permits.take(PeerId{0}, 0));
  CHECK(permits.take(kPeer, 1));
  CHECK_FALSE(permits.take(kPeer, 1));
}

TEST_CASE("trial_permits: one given back can be taken again, unless it is another generation's by now") {
  TrialPermits permits(2);
  REQUIRE(permits.take(kPeer, 7));
  permits.giveBack(kPeer, 7);
  CHECK(permits.take(kPeer, 7));
  REQUIRE(permits.take(kPeer, 8));
  permits.giveBack(kPeer, 7);  // too late
  CHECK_FALSE(permits.take(kPeer, 8));
}

TEST_CASE("trial_permits: of threads that ask at once, one gets it") {
  constexpr int kThreads = 4;
  constexpr uint16_t kGenerations = 100;
  TrialPermits permits(2);
  std::vector<std::atomic<int>> taken(kGenerations);
  std::barrier together(kThreads);
  const auto ask = [&] {
    for (uint16_t generation = 0; generation < kGenerations; ++generation) {
      together.arrive_and_wait();  // nobody goes on before all had their try at the last one
      if (permits.take(kPeer, generation)) ++taken[generation];
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back(ask);
  for (std::thread& thread : threads)
    thread.join();
  for (const auto& count : taken)
    REQUIRE(count == 1);
}

}  // namespace
}  // namespace peerpulse::health
