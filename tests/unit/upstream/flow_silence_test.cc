// Goal: a connection is silent as soon as a retransmission was in vain, and forgotten only after several, one of them while
// another connection to the same peer worked; an answer clears it at any time before.
#include "flow_silence.h"

#include <doctest/doctest.h>

using namespace peerpulse::upstream;
using State = FlowSilence::State;

namespace {

/// So many retransmissions, and no segment without data since the connection began.
peerpulse::net::SendState inVain(uint32_t times) {
  peerpulse::net::SendState sent;
  sent.outstanding = times > 0;
  sent.repeated = times;
  sent.overdue = true;
  sent.bareAcks = 7;
  return sent;
}

}  // namespace

TEST_CASE("flow silence: nothing in vain, nothing to say") {
  FlowSilence flow;
  CHECK(flow.state() == State::kHeard);
  CHECK(flow.judge(inVain(0), true) == State::kHeard);
  CHECK(flow.judge(inVain(0), false) == State::kHeard);
}

TEST_CASE("flow silence: one in vain makes it silent, an answer heard again") {
  FlowSilence flow;
  CHECK(flow.judge(inVain(1), false) == State::kSilent);
  CHECK(flow.judge(inVain(2), false) == State::kSilent);
  CHECK(flow.judge(inVain(0), true) == State::kHeard);
  CHECK(flow.judge(inVain(1), false) == State::kSilent);
}

TEST_CASE("flow silence: however many in vain, while no other connection is answered it may be everybody's silence") {
  FlowSilence flow;
  for (uint32_t n = 1; n < 20; ++n)
    CHECK(flow.judge(inVain(n), false) == State::kSilent);
}

TEST_CASE("flow silence: forgotten after three, the last of them after another connection was answered") {
  FlowSilence flow;
  CHECK(flow.judge(inVain(1), false) == State::kSilent);
  CHECK(flow.judge(inVain(1), true) == State::kSilent);
  CHECK(flow.judge(inVain(2), true) == State::kSilent);
  CHECK(flow.judge(inVain(3), true) == State::kForgotten);
}

TEST_CASE("flow silence: what was in vain while nobody was answered does not count alone") {
  FlowSilence flow;
  CHECK(flow.judge(inVain(6), false) == State::kSilent);
  CHECK(flow.judge(inVain(6), true) ==
        State::kSilent);  // the others are back; its next retransmission may be answered
  CHECK(flow.judge(inVain(6), true) == State::kSilent);
  CHECK(flow.judge(inVain(7), true) == State::kForgotten);
}

TEST_CASE("flow silence: a new silence begins anew") {
  FlowSilence flow;
  flow.judge(inVain(2), true);
  flow.judge(inVain(0), true);
  CHECK(flow.judge(inVain(3), false) == State::kSilent);
  CHECK(flow.judge(inVain(3), true) == State::kSilent);
  CHECK(flow.judge(inVain(4), true) == State::kForgotten);
}

TEST_CASE("flow silence: the last retransmission counts when its answer is due, not before") {
  FlowSilence flow;
  auto sent = inVain(0);
  flow.judge(sent, false);
  sent = inVain(1);
  sent.overdue = false;
  CHECK(flow.judge(sent, false) == State::kHeard);
  sent.overdue = true;
  CHECK(flow.judge(sent, false) == State::kSilent);
}

TEST_CASE("flow silence: each retransmission answered without progress, by a closed window, is no silence") {
  FlowSilence flow;
  auto sent = inVain(0);
  flow.judge(sent, true);
  for (uint32_t n = 1; n < 10; ++n) {
    sent.repeated = n;
    sent.bareAcks = 7 + n;
    for (int looks = 0; looks < 5; ++looks)
      CHECK(flow.judge(sent, true) == State::kHeard);
  }
  sent.repeated = 10;  // and then none any more
  CHECK(flow.judge(sent, true) == State::kSilent);
}

TEST_CASE("flow silence: what the remote side repeats of its own is no answer") {
  FlowSilence flow;
  auto sent = inVain(0);
  flow.judge(sent, true);
  sent = inVain(1);
  sent.heardSince = true;  // with data, else it would have been counted
  CHECK(flow.judge(sent, true) == State::kSilent);
  sent.repeated = 3;
  CHECK(flow.judge(sent, true) == State::kForgotten);
}

TEST_CASE("flow silence: a kernel that does not count segments is asked when it heard anything") {
  FlowSilence flow;
  auto sent = inVain(2);
  sent.bareAcks.reset();
  sent.heardSince = true;
  CHECK(flow.judge(sent, true) == State::kHeard);
  sent.repeated = 3;
  sent.heardSince = false;
  CHECK(flow.judge(sent, true) == State::kSilent);
}

TEST_CASE(
    "flow silence: what comes when the answer is overdue is none: keepalive, SYN-ACKs of a forgotten handshake") {
  FlowSilence flow;
  auto sent = inVain(0);
  flow.judge(sent, true);
  for (uint32_t n = 1; n <= FlowSilence::kForgottenAfter; ++n) {
    sent.repeated = n;
    const State due = n < FlowSilence::kForgottenAfter ? State::kSilent : State::kForgotten;
    CHECK(flow.judge(sent, true) == due);
    if (due == State::kForgotten) break;
    ++*sent.bareAcks;
    CHECK(flow.judge(sent, true) == State::kSilent);
  }
}

TEST_CASE("flow silence: until its answer is due, a probe does not undo the answer to the one before") {
  FlowSilence flow;
  auto sent = inVain(0);
  sent.overdue = false;  // as for probes of a closed window, whose age nobody knows
  flow.judge(sent, true);
  for (uint32_t n = 1; n < 10; ++n) {
    sent.repeated = n;
    CHECK(flow.judge(sent, true) == State::kHeard);
    ++*sent.bareAcks;
    CHECK(flow.judge(sent, true) == State::kHeard);
  }
}
