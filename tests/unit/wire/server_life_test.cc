// Goal: a client's connection is idle, reads a head, is busy: each for as long as it may be, and a drain ends who is idle.
#include "peerpulse/wire/server_life.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using wire::ServerLife;
using State = ServerLife::State;
using Expiry = ServerLife::Expiry;

namespace {

constexpr ServerLife::Limits kLimits{seconds(60), seconds(5)};
const TimePoint kStart{seconds(100)};

}  // namespace

TEST_CASE("server life: idle until the first byte, and again after the last request") {
  ServerLife life(kStart);
  CHECK(life.state() == State::kIdle);
  life.onHeard(kStart);
  CHECK(life.state() == State::kReadingHead);
  life.onHeard(kStart + seconds(1));
  life.onRequest(kStart + seconds(1));
  life.onRequest(kStart + seconds(2));  // h2: another stream
  life.onHeard(kStart + seconds(2));
  CHECK(life.state() == State::kBusy);
  CHECK(life.expiry(kStart + std::chrono::hours(1), kLimits) == Expiry::kNot);
  life.onQuiet(kStart + seconds(3));
  CHECK(life.state() == State::kIdle);
  life.onEnded(kStart + seconds(4));
  CHECK(life.ended());
}

TEST_CASE(
    "server life: the time for a head counts from its first byte, and frames that are no request do not start it") {
  ServerLife life(kStart);
  life.onHeard(kStart + seconds(10));
  CHECK(life.expiry(kStart + seconds(15), kLimits) == Expiry::kNot);
  CHECK(life.expiry(kStart + seconds(15) + milliseconds(1), kLimits) == Expiry::kHead);

  ServerLife pinged(kStart);
  pinged.onHeard(kStart + seconds(10));
  pinged.onSettled(false, kStart + seconds(10));
  CHECK(pinged.state() == State::kIdle);
  CHECK(pinged.expiry(kStart + seconds(20), kLimits) == Expiry::kNot);
  CHECK(pinged.expiry(kStart + seconds(71), kLimits) == Expiry::kIdle);
}

TEST_CASE("server life: a head that has begun is not settled") {
  ServerLife life(kStart);
  life.onHeard(kStart);
  life.onSettled(true, kStart);
  CHECK(life.state() == State::kReadingHead);
}

TEST_CASE("server life: a head that came behind a request has its time from the request's end on") {
  ServerLife life(kStart);
  life.onHeard(kStart);
  life.onRequest(kStart);
  life.onSettled(false, kStart);
  life.onQuiet(kStart + seconds(20));
  life.onSettled(true, kStart + seconds(20));
  CHECK(life.state() == State::kReadingHead);
  CHECK(life.expiry(kStart + seconds(20) + kLimits.head, kLimits) == Expiry::kNot);
  CHECK(life.expiry(kStart + seconds(20) + kLimits.head + milliseconds(1), kLimits) == Expiry::kHead);
}

TEST_CASE("server life: a drain ends idle connections after a grace, counted from whichever began later") {
  ServerLife life(kStart);
  life.drain(kStart + seconds(1));
  CHECK(life.expiry(kStart + seconds(1) + ServerLife::kDrainGrace, kLimits) == Expiry::kNot);
  CHECK(life.expiry(kStart + seconds(1) + ServerLife::kDrainGrace + milliseconds(1), kLimits) == Expiry::kDraining);

  life.onRequest(kStart + seconds(1));
  CHECK(life.expiry(kStart + seconds(30), kLimits) == Expiry::kNot);
  life.onQuiet(kStart + seconds(30));
  CHECK(life.expiry(kStart + seconds(30) + milliseconds(100), kLimits) == Expiry::kNot);
  CHECK(life.expiry(kStart + seconds(31), kLimits) == Expiry::kDraining);
}
