// Goal: every operation and leg is counted once, under its own words; what was accepted and not delivered is said.
#include "accounts.h"

#include <algorithm>

#include "fanout_world.h"

using namespace peerpulse;
using namespace peerpulse::fanout;
using namespace peerpulse::fanout::test;
using peerpulse::test::ServedRequest;

namespace {

uint64_t undelivered(const FanoutWorld& w, uint32_t peer) {
  uint64_t sum = 0;
  for (const auto& value : w.stats.peer(PeerId{peer}).undelivered)
    sum += value.get();
  return sum;
}

uint64_t outcomes(const FanoutWorld& w, Operation operation, Outcome outcome) {
  return w.stats.fanout.operations[static_cast<size_t>(operation)].outcomes[static_cast<size_t>(outcome)].get();
}

}  // namespace

TEST_CASE("accounts: a notification that was taken is counted where it did not arrive") {
  FanoutWorld w;
  w.die(0);
  CHECK(w.answerTo(w.ask("POST", "/notify/ok", ""))["peers"].size() == 3);
  w.until([&] { return w.stats.fanout.running.get() == 0; });
  CHECK(undelivered(w, 0) == 1);
  CHECK(undelivered(w, 1) == 0);
  CHECK(outcomes(w, Operation::kNotify, Outcome::kPartial) == 1);
  CHECK(w.stats.peer(PeerId{0}).fastFailuresTotal.get() == 1);
  CHECK(w.stats.peer(PeerId{0}).failuresTotal.get() == 0);
}

TEST_CASE("accounts: one that was not taken is nobody's loss") {
  FanoutWorld w([](Options& o) { o.replayLimit = 64 * 1024; });
  ClientRequest& large = w.ask("POST", "/notify/hang", std::string(100'000, 'x'));
  w.until([&] { return large.gotHead; });
  CHECK(large.head.status == 413);
  ClientRequest& given = w.caller().open("POST", "/notify/hang");
  given.stream->sendData(Slice::copyOf("half"));
  w.until([&] { return w.stats.fanout.running.get() == 1; });
  w.callers.back()->connection().abort("gone");
  w.until([&] { return w.stats.fanout.running.get() == 0; });
  for (uint32_t peer = 0; peer < FanoutWorld::kPeers; ++peer)
    CHECK(undelivered(w, peer) == 0);
  CHECK(outcomes(w, Operation::kNotify, Outcome::kFailed) == 1);
  CHECK(outcomes(w, Operation::kNotify, Outcome::kAbandoned) == 1);
}

TEST_CASE("accounts: a chunk is one upload, however many disks were tried") {
  FanoutWorld w;
  const auto answeredByNode3 = [&] {
    w.remote(1).onRequest = [](ServedRequest& served) { served.head.path = "/echo"; };
  };
  const auto failures = [&](stats::UploadFailure reason) {
    return w.stats.uploads.failures[static_cast<size_t>(reason)].get();
  };
  answeredByNode3();
  w.die(0);
  w.die(2);
  CHECK(w.answerTo(w.ask("PUT", "/erasure/set0/0/x", "chunk"))["stored_on"] == "node3/d/2");
  CHECK(w.stats.uploads.success.get() == 1);
  CHECK(w.stats.fanout.fallbacks[2].get() == 1);  // offline
  w.die(1);
  CHECK(w.answerTo(w.ask("PUT", "/erasure/set0/0/x", "chunk"))["error"] == "all_nodes_failed");
  CHECK(failures(stats::UploadFailure::kCircuitOpen) == 1);
  CHECK(w.stats.fanout.fallbacks[2].get() == 1);  // the others are known to be dead, and not tried
  for (size_t i = 0; i < FanoutWorld::kPeers; ++i)
    w.change(i, health::Verdict::kAlive);
  w.remote(0).onRequest = {};
  w.ask("PUT", "/erasure/set0/0/hang", "chunk");
  w.until([&] { return w.stats.uploads.inProgress.get() == 1; });
  w.callers.back()->connection().abort("gone");
  w.until([&] { return w.stats.uploads.inProgress.get() == 0; });
  CHECK(failures(stats::UploadFailure::kClientAborted) == 1);
  CHECK(w.stats.uploads.success.get() == 1);
}

TEST_CASE("accounts: a chunk for which there is no room is an upload that failed") {
  FanoutWorld w([](Options& o) { o.maxOperations = 1; });
  w.ask("POST", "/notify/hang", "x");
  w.until([&] { return w.stats.fanout.running.get() == 1; });
  CHECK(w.answerTo(w.ask("PUT", "/erasure/set0/0/x", "chunk"))["error"] == "too_many_operations");
  CHECK(w.stats.uploads.failures[static_cast<size_t>(stats::UploadFailure::kLocalLimit)].get() == 1);
  CHECK(w.stats.uploads.inProgress.get() == 0);
}
