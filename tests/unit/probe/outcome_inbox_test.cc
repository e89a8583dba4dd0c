// Goal: order, bounds and wake-ups of the inbox, and that nothing is lost or doubled with many producers.
#include "outcome_inbox.h"

#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace peerpulse::probe {
namespace {

using health::Outcome;
using health::OutcomeRecord;

OutcomeRecord record(uint32_t peer, Outcome outcome = Outcome::kReset) { return {PeerId{peer}, outcome, 0, {}}; }

TEST_CASE("outcome_inbox: first in, first out; a full ring drops and says whose it was") {
  std::vector<uint32_t> dropped;
  OutcomeInbox inbox([] {}, [&](PeerId peer) { dropped.push_back(static_cast<uint32_t>(peer)); });
  CHECK_FALSE(inbox.take().has_value());
  for (int round = 0; round < 3; ++round) {
    for (uint32_t i = 0; i < OutcomeInbox::kCapacity + 2; ++i)
      inbox.record(record(i));
    REQUIRE(dropped.size() == 2);
    CHECK(dropped.back() == OutcomeInbox::kCapacity + 1);
    dropped.clear();
    for (uint32_t i = 0; i < OutcomeInbox::kCapacity; ++i) {
      const auto taken = inbox.take();
      REQUIRE(taken.has_value());
      REQUIRE(static_cast<uint32_t>(taken->peer) == i);
    }
    CHECK_FALSE(inbox.take().has_value());
  }
}

TEST_CASE("outcome_inbox: a failure wakes once until woken, a success never") {
  int wakes = 0;
  OutcomeInbox inbox([&] { ++wakes; }, [](PeerId) {});
  inbox.record(record(0, Outcome::kSuccess));
  CHECK(wakes == 0);
  inbox.record(record(0));
  inbox.record(record(0));
  CHECK(wakes == 1);
  inbox.woken();
  inbox.record(record(0, Outcome::kTimeout));
  CHECK(wakes == 2);
}

TEST_CASE("outcome_inbox: four producers, one consumer: all or counted as dropped, each in its order") {
  constexpr uint32_t kEach = 100'000;
  std::atomic<uint32_t> dropped{0}, running{4};
  OutcomeInbox inbox([] {}, [&](PeerId) { ++dropped; });
  std::vector<std::thread> producers;
  for (uint16_t p = 0; p < 4; ++p) {
    producers.emplace_back([&, p] {
      for (uint32_t i = 0; i < kEach; ++i)
        inbox.record({PeerId{i}, Outcome::kSuccess, p, {}});
      --running;
    });
  }
  uint32_t taken = 0, disorder = 0;
  int64_t last[4] = {-1, -1, -1, -1};
  for (;;) {
    const bool over = running == 0;
    while (const auto next = inbox.take()) {
      ++taken;
      if (static_cast<uint32_t>(next->peer) <= last[next->generation]) ++disorder;
      last[next->generation] = static_cast<uint32_t>(next->peer);
    }
    if (over) break;
  }
  for (auto& producer : producers)
    producer.join();
  CHECK(taken + dropped == 4 * kEach);
  CHECK(disorder == 0);
}

}  // namespace
}  // namespace peerpulse::probe
