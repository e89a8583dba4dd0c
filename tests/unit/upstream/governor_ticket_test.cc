// Goal: however an exchange goes, it is counted while it waits and not afterwards, and only what says something of the
// peer is a latency.
#include "peerpulse/upstream/governor_ticket.h"

#include <doctest/doctest.h>

#include "governor.h"

using namespace peerpulse;
using namespace peerpulse::upstream;

namespace {

using State = GovernorTicket::State;

struct Desk {
  Governor governor{GovernorOptions{}};
  TimePoint now = TimePoint(seconds(100));
  /// Makes the next look come.
  void answers(int count, Duration latency) {
    for (int i = 0; i < count; ++i) {
      (void)governor.mayEnter(now);
      GovernorTicket ticket;
      ticket.enter(governor);
      ticket.owe(now);
      now += latency;
      ticket.answered(true, now);
    }
  }
};

}  // namespace

TEST_CASE("governor ticket: from its admission to the answer's head") {
  Desk desk;
  GovernorTicket ticket;
  CHECK_FALSE(ticket.held());
  ticket.enter(desk.governor);
  CHECK(ticket.state() == State::kEntered);
  CHECK(desk.governor.inFlight() == 1);
  ticket.owe(desk.now);
  ticket.owe(desk.now + seconds(1));  // told again
  CHECK(ticket.state() == State::kOwed);
  ticket.answered(true, desk.now + seconds(2));
  CHECK_FALSE(ticket.held());
  CHECK(desk.governor.inFlight() == 0);
  ticket.answered(true, desk.now + seconds(3));  // no-ops from here on
  ticket.leave(true, desk.now + seconds(3));
  ticket.again();
  ticket.owe(desk.now);
  CHECK(desk.governor.inFlight() == 0);
}

TEST_CASE("governor ticket: ends without an answer") {
  Desk desk;
  for (const bool owed : {false, true}) {
    for (const bool late : {false, true}) {
      GovernorTicket ticket;
      ticket.enter(desk.governor);
      if (owed) ticket.owe(desk.now);
      ticket.leave(late, desk.now + seconds(1));
      CHECK_FALSE(ticket.held());
      CHECK(desk.governor.inFlight() == 0);
    }
  }
}

TEST_CASE("governor ticket: sent again, its time begins again") {
  Desk desk;
  desk.answers(12, milliseconds(40));  // the baseline
  REQUIRE(desk.governor.baseline());
  for (int i = 0; i < 8; ++i) {
    GovernorTicket ticket;
    ticket.enter(desk.governor);
    ticket.owe(desk.now);
    desk.now += seconds(5);
    ticket.again();
    CHECK(ticket.state() == State::kEntered);
    CHECK(desk.governor.inFlight() == 1);
    ticket.owe(desk.now);
    desk.now += milliseconds(40);
    ticket.answered(true, desk.now);
  }
  CHECK(desk.governor.latency() < milliseconds(50));
}

TEST_CASE("governor ticket: refusals, and answers to half a request, are no latency") {
  Desk desk;
  for (int i = 0; i < 100; ++i) {
    GovernorTicket ticket;
    ticket.enter(desk.governor);
    if (i % 2 == 0) ticket.owe(desk.now);
    desk.now += milliseconds(10);
    ticket.answered(i % 2 != 0, desk.now);
  }
  (void)desk.governor.mayEnter(desk.now + seconds(1));
  CHECK_FALSE(desk.governor.baseline());
}
