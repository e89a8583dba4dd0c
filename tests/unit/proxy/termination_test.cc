// Goal: two letters say who ended an exchange and when; a small one that a timer did.
#include "termination.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::proxy;
using upstream::ErrorType;
using upstream::Party;
using upstream::Phase;

namespace {

AccessRecord ended(Party party, Phase phase) {
  AccessRecord record;
  record.error = ErrorType::kConnectionTerminated;
  record.party = party;
  record.phase = phase;
  return record;
}

}  // namespace

TEST_CASE("termination: an exchange that ended in order") { CHECK(terminationCode(AccessRecord()) == "--"); }

TEST_CASE("termination: each party and each phase has a letter of its own") {
  CHECK(terminationCode(ended(Party::kPeer, Phase::kQueue)) == "PQ");
  CHECK(terminationCode(ended(Party::kClient, Phase::kConnect)) == "CC");
  CHECK(terminationCode(ended(Party::kHost, Phase::kRequest)) == "HR");
  CHECK(terminationCode(ended(Party::kPath, Phase::kWait)) == "NW");
  CHECK(terminationCode(ended(Party::kSelf, Phase::kResponse)) == "SD");
  CHECK(terminationCode(ended(Party::kPeer, Phase::kTunnel)) == "PT");
  CHECK(terminationCode(ended(Party::kPeer, Phase::kRest)) == "PL");
}

TEST_CASE("termination: a timer, the circuit, the governor and a client that went away") {
  AccessRecord record = ended(Party::kPeer, Phase::kWait);
  record.timedOut = true;
  CHECK(terminationCode(record) == "pW");
  record = ended(Party::kSelf, Phase::kWait);
  record.fastFailed = true;
  CHECK(terminationCode(record) == "DW");
  record = ended(Party::kSelf, Phase::kQueue);
  record.shed = true;
  CHECK(terminationCode(record) == "GQ");
  record = AccessRecord();
  record.clientAborted = true;
  record.phase = Phase::kResponse;
  CHECK(terminationCode(record) == "CD");
}
