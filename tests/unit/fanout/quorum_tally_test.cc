// Goal: a quorum is reached with the acknowledgement that completes it, and lost with the failure that makes it impossible.
#include "quorum_tally.h"

#include <doctest/doctest.h>

using peerpulse::fanout::QuorumTally;
using Standing = QuorumTally::Standing;

TEST_CASE("quorum: reached by the last acknowledgement it needs, whatever follows") {
  QuorumTally tally(5, 3);
  tally.onAcknowledged();
  tally.onFailed();
  tally.onAcknowledged();
  CHECK(tally.standing() == Standing::kOpen);
  tally.onAcknowledged();
  CHECK(tally.standing() == Standing::kReached);
  tally.onFailed();
  CHECK(tally.standing() == Standing::kReached);
  CHECK(tally.acknowledged() == 3);
  CHECK(tally.open() == 0);
}

TEST_CASE("quorum: exactly as many failures as it can bear, then one more") {
  for (uint32_t targets = 1; targets <= 8; ++targets) {
    for (uint32_t required = 1; required <= targets; ++required) {
      QuorumTally tally(targets, required);
      for (uint32_t failed = 0; failed < targets - required; ++failed) {
        tally.onFailed();
        CHECK(tally.standing() == Standing::kOpen);
      }
      tally.onFailed();
      CHECK(tally.standing() == Standing::kLost);
    }
  }
}
