#include "h2/frame_budgets.h"

#include <doctest/doctest.h>

namespace peerpulse::http::h2 {
namespace {

constexpr size_t kBurst = 100;

size_t takenOf(FrameBudgets& budgets, Glitch kind) {
  size_t taken = 0;
  while (budgets.take(kind))
    ++taken;
  return taken;
}

TEST_CASE("FrameBudgets: one kind's flood, and no other's budget") {
  for (size_t i = 0; i < kGlitchKinds; ++i) {
    FrameBudgets budgets(kBurst);
    budgets.secondsPassed(0);
    CHECK(takenOf(budgets, static_cast<Glitch>(i)) == kBurst);
    for (size_t other = 0; other < kGlitchKinds; ++other) {
      if (other != i) CHECK(takenOf(budgets, static_cast<Glitch>(other)) == kBurst);
    }
  }
}

TEST_CASE("FrameBudgets: what comes beyond a tenth of a flood is told, once") {
  FrameBudgets budgets(kBurst);
  for (size_t i = 0; i < kBurst / 10; ++i)
    budgets.take(Glitch::kReset);
  CHECK(budgets.takeExcess() == 0);
  budgets.take(Glitch::kReset);
  budgets.take(Glitch::kReset);
  budgets.take(Glitch::kUnknown);  // the first of its kind
  CHECK(budgets.takeExcess() == 2);
  CHECK(budgets.takeExcess() == 0);
  budgets.streamDone();
  budgets.streamDone();
  budgets.streamDone();
  budgets.take(Glitch::kReset);
  CHECK(budgets.takeExcess() == 0);
  // Where nobody tells the time nothing is said of what only time pays for.
  for (size_t i = 0; i < 2 * kBurst; ++i)
    budgets.take(Glitch::kPing);
  CHECK(budgets.takeExcess() == 0);
}

TEST_CASE("FrameBudgets: both windows for each 256 bytes read, whenever they come") {
  FrameBudgets budgets(kBurst);
  for (int window = 0; window < 50; ++window) {
    constexpr size_t kWindow = size_t{16} * 1024 * 1024;
    for (size_t sent = 0; sent < kWindow; sent += 16'384)
      budgets.dataSent(16'384);
    bool taken = true;
    for (size_t read = 0; read < kWindow; read += 256)
      taken = taken && budgets.take(Glitch::kWindowUpdate) && budgets.take(Glitch::kWindowUpdate);
    REQUIRE(taken);
  }
}

TEST_CASE("FrameBudgets: a PING with each read of data, as gRPC measures the path") {
  FrameBudgets budgets(kBurst, 10);
  budgets.secondsPassed(0);
  for (int i = 0; i < 100'000; ++i) {
    budgets.dataSent(16'384);
    REQUIRE(budgets.take(Glitch::kPing));
  }
  CHECK(budgets.takeExcess() == 0);
  CHECK(takenOf(budgets, Glitch::kPing) == kBurst - 1);
}

TEST_CASE("FrameBudgets: both windows for each small message") {
  FrameBudgets budgets(kBurst);
  for (int i = 0; i < 100'000; ++i) {
    budgets.dataSent(7);
    REQUIRE(budgets.take(Glitch::kWindowUpdate));
    REQUIRE(budgets.take(Glitch::kWindowUpdate));
  }
}

TEST_CASE("FrameBudgets: what stands against each kind") {
  FrameBudgets budgets(kBurst);
  for (int i = 0; i < 10'000; ++i) {
    budgets.message();
    for (int n = 0; n < 8; ++n) {
      REQUIRE(budgets.take(Glitch::kPriority));
      REQUIRE(budgets.take(Glitch::kUnknown));
      REQUIRE(budgets.take(Glitch::kEmptyData));
    }
    budgets.streamDone();
    REQUIRE(budgets.take(Glitch::kReset));
    budgets.dataReceived();
    REQUIRE(budgets.take(Glitch::kEmptyData));
    REQUIRE(budgets.take(Glitch::kPriority));
  }
  budgets.message();
  // Traffic that moves nothing of the kind does not pay for it, nor does the past.
  for (int i = 0; i < 1000; ++i) {
    budgets.dataReceived();
    budgets.dataSent(1);
  }
  CHECK(takenOf(budgets, Glitch::kReset) == kBurst - 1);
  CHECK(takenOf(budgets, Glitch::kEmptyData) == kBurst);
}

TEST_CASE("FrameBudgets: requests pay for no reset") {
  FrameBudgets budgets(kBurst);
  size_t resets = 0;
  do
    budgets.message();
  while (budgets.take(Glitch::kReset) && ++resets < 10 * kBurst);
  CHECK(resets == kBurst);
}

TEST_CASE("FrameBudgets: time pays for what an idle connection lives on, and is no flood where nobody tells it") {
  constexpr size_t kPerSecond = 10;
  for (const Glitch kind : {Glitch::kPing, Glitch::kSettings, Glitch::kGoAway}) {
    FrameBudgets untold(kBurst, kPerSecond);
    for (size_t i = 0; i < 10 * kBurst; ++i)
      REQUIRE(untold.take(kind));
    FrameBudgets budgets(kBurst, kPerSecond);
    budgets.secondsPassed(0);
    for (size_t second = 0; second < 10 * kBurst; ++second) {
      for (size_t i = 0; i < kPerSecond; ++i)
        REQUIRE(budgets.take(kind));
      budgets.secondsPassed(1);
    }
    CHECK(takenOf(budgets, kind) == kBurst);
    budgets.secondsPassed(2);
    CHECK(takenOf(budgets, kind) == 2 * kPerSecond - 1);  // the one that was refused counts, too
  }
}

}  // namespace
}  // namespace peerpulse::http::h2
