#include "h2/notification_queue.h"

#include <doctest/doctest.h>

namespace peerpulse::http::h2 {
namespace {

TEST_CASE("NotificationQueue: first in, first out, also while it is emptied") {
  NotificationQueue queue;
  CHECK(queue.empty());
  uint64_t pushed = 0;
  uint64_t popped = 0;
  for (int round = 0; round < 1000; ++round) {
    for (int i = 0; i < round % 7; ++i)
      queue.push(Notification::Kind::kPingAck, nullptr).number = pushed++;
    for (int i = 0; i < round % 5 && !queue.empty(); ++i)
      CHECK(queue.pop().number == popped++);
  }
  while (!queue.empty())
    CHECK(queue.pop().number == popped++);
  CHECK(pushed == popped);
}

TEST_CASE("NotificationQueue: text is kept where there is some") {
  NotificationQueue queue;
  queue.push(Notification::Kind::kGoAway, nullptr).text = std::make_unique<std::string>("too_many_pings");
  queue.push(Notification::Kind::kEnd, nullptr);
  CHECK(queue.pop().textView() == "too_many_pings");
  CHECK(queue.pop().textView() == "");
}

}  // namespace
}  // namespace peerpulse::http::h2
