// Goal: every row of the table in plan.h.
#include "peerpulse/transparent/plan.h"

#include <string>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::transparent;
using health::CircuitState;

namespace {

health::CircuitWord word(CircuitState circuit, bool overridden = false) {
  health::CircuitWord word;
  word.circuit = circuit;
  word.overridden = overridden;
  return word;
}

constexpr OwnState kWell{};
constexpr bool kRefuse = true;
constexpr bool kRespond = false;

}  // namespace

TEST_CASE("a peer that is answered for comes here, one that is refused only while its circuit lets through") {
  for (const CircuitState circuit : {CircuitState::kClosed, CircuitState::kHalfOpen}) {
    CHECK(wayOf(word(circuit), kRefuse, kWell) == Way::kRedirected);
    CHECK(wayOf(word(circuit), kRespond, kWell) == Way::kRedirected);
  }
  CHECK(wayOf(word(CircuitState::kOpen), kRespond, kWell) == Way::kRedirected);
  CHECK(wayOf(word(CircuitState::kOpen), kRefuse, kWell) == Way::kRefused);
}

TEST_CASE("who drains or hangs stands in nobody's way, whatever the circuit") {
  for (const CircuitState circuit : {CircuitState::kClosed, CircuitState::kHalfOpen, CircuitState::kOpen}) {
    for (const bool overridden : {false, true}) {
      CHECK(wayOf(word(circuit, overridden), kRefuse, {.draining = true}) == Way::kDirect);
      CHECK(wayOf(word(circuit, overridden), kRefuse, {.workersBeat = false}) == Way::kDirect);
    }
    CHECK(wayOf(word(circuit), kRefuse, {.proberStalled = true}) == Way::kDirect);
    CHECK(wayOf(word(circuit), kRespond, {.proberStalled = true}) == Way::kDirect);
  }
}

TEST_CASE("an operator's word stands while the prober is stalled") {
  CHECK(wayOf(word(CircuitState::kOpen, true), kRefuse, {.proberStalled = true}) == Way::kRefused);
  CHECK(wayOf(word(CircuitState::kClosed, true), kRefuse, {.proberStalled = true}) == Way::kRedirected);
}

TEST_CASE("the words") {
  CHECK(std::string(toString(Way::kDirect)) == "direct");
  CHECK(std::string(toString(Way::kRedirected)) == "redirected");
  CHECK(std::string(toString(Way::kRefused)) == "refused");
}
