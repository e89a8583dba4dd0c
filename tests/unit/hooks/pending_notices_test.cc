// Goal: what waits is bounded and the last state wins, peer by peer; nobody's turn is taken by who comes often.
#include "pending_notices.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::hooks {
namespace {

constexpr TimePoint kStart = TimePoint() + seconds(100);

Notice notice(uint32_t peer, const std::string& document) { return {PeerId{peer}, "node", document, "{}"}; }

TEST_CASE("pending_notices: the last one wins and says how many it took the place of") {
  PendingNotices pending;
  CHECK_FALSE(pending.put(notice(0, "dead")));
  CHECK(pending.put(notice(0, "alive")));
  CHECK(pending.put(notice(0, "stalled")));
  CHECK_FALSE(pending.put(notice(1, "dead")));
  CHECK(pending.size() == 2);
  const auto first = pending.take(kStart);
  REQUIRE(first.has_value());
  CHECK(first->notice.document == "stalled");
  CHECK(first->dropped == 2);
  const auto second = pending.take(kStart);
  REQUIRE(second.has_value());
  CHECK(second->notice.peer == PeerId{1});
  CHECK(second->dropped == 0);
  CHECK_FALSE(pending.take(kStart).has_value());
}

TEST_CASE("pending_notices: a peer waits for its gap, the others do not") {
  PendingNotices pending;
  pending.put(notice(0, "dead"));
  CHECK(pending.take(kStart).has_value());
  pending.put(notice(0, "alive"));
  pending.put(notice(1, "dead"));
  CHECK(pending.nextDue() == TimePoint());
  CHECK(pending.take(kStart)->notice.peer == PeerId{1});
  CHECK(pending.nextDue() == kStart + PendingNotices::kGap);
  CHECK_FALSE(pending.take(kStart + PendingNotices::kGap - nanoseconds(1)).has_value());
  CHECK(pending.take(kStart + PendingNotices::kGap)->notice.document == "alive");
  CHECK(pending.nextDue() == TimePoint::max());
}

TEST_CASE("pending_notices: one that waited longer does not bring back what was so before") {
  PendingNotices pending;
  pending.put({PeerId{0}, "node2", "back", "all well"});
  CHECK(pending.take(kStart)->notice.context == "all well");
  pending.put({PeerId{0}, "node2", "dead", "one dead"});
  pending.put({PeerId{1}, "node3", "dead", "two dead"});
  const auto second = pending.take(kStart);
  CHECK(second->notice.peer == PeerId{1});
  CHECK(second->notice.context == "two dead");
  const auto first = pending.take(kStart + PendingNotices::kGap);
  CHECK(first->notice.document == "dead");
  CHECK(first->notice.context == "two dead");
}

TEST_CASE("pending_notices: at most one per peer, however many come") {
  PendingNotices pending;
  for (uint32_t i = 0; i < 3 * kMaxPeers; ++i)
    pending.put(notice(i % kMaxPeers, "dead"));
  CHECK(pending.size() == kMaxPeers);
  pending.clear();
  CHECK(pending.size() == 0);
}

}  // namespace
}  // namespace peerpulse::hooks
