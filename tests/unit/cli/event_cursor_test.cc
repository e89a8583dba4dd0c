// Goal: whatever becomes of the connection or of the process, each event that is still kept is told once, and what is lost is
// known.
#include "event_cursor.h"

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

/// Of the process that was started in second `start`.
Json event(int start, int sequence) {
  return {{"sequence", sequence},
          {"at", "2026-01-31T12:0" + std::to_string(start) + ":" + std::to_string(10 + sequence)}};
}

Json history(int start, int first, int last) {
  Json events = Json::array();
  for (int i = first; i <= last; ++i)
    events.push_back(event(start, i));
  return {{"node", "node1"}, {"events", std::move(events)}};
}

std::vector<int> numbers(const EventCursor::CaughtUp& news) {
  std::vector<int> result;
  for (const Json* each : news.fresh)
    result.push_back((*each)["sequence"]);
  return result;
}

using Numbers = std::vector<int>;

TEST_CASE("event_cursor: it begins with the first history, and goes on by the stream") {
  EventCursor cursor;
  const Json first = history(1, 1, 3);
  const auto news = cursor.catchUp(first);
  CHECK(numbers(news) == Numbers{1, 2, 3});
  CHECK_FALSE(news.gap);
  CHECK_FALSE(news.restarted);
  CHECK(cursor.advance(event(1, 4)));
  CHECK_FALSE(cursor.advance(event(1, 4)));
  CHECK_FALSE(cursor.advance(event(1, 6)));
  CHECK(cursor.sequence() == 4);
}

TEST_CASE("event_cursor: a history that begins late is no gap for who has just come") {
  EventCursor cursor;
  const Json late = history(1, 500, 501);
  CHECK_FALSE(cursor.catchUp(late).gap);
  CHECK(cursor.sequence() == 501);
}

TEST_CASE("event_cursor: after an interruption only what is new") {
  EventCursor cursor;
  cursor.catchUp(history(1, 1, 3));
  const Json later = history(1, 1, 5);
  const auto news = cursor.catchUp(later);
  CHECK(numbers(news) == Numbers{4, 5});
  CHECK_FALSE(news.gap);
  CHECK_FALSE(news.restarted);
  const Json same = history(1, 2, 5);
  CHECK(numbers(cursor.catchUp(same)).empty());
}

TEST_CASE("event_cursor: after more than is kept") {
  EventCursor cursor;
  cursor.catchUp(history(1, 1, 3));
  const Json later = history(1, 5, 7);
  const auto news = cursor.catchUp(later);
  CHECK(news.gap);
  CHECK(numbers(news) == Numbers{5, 6, 7});
  const Json next = history(1, 8, 9);
  CHECK_FALSE(cursor.catchUp(next).gap);  // 7 was told, 8 is the next
}

TEST_CASE("event_cursor: another process counts anew, whatever its numbers") {
  for (const int last : {0, 1, 2, 3, 5}) {
    CAPTURE(last);
    EventCursor cursor;
    cursor.catchUp(history(1, 1, 3));
    const Json other = history(2, 1, last);
    const auto news = cursor.catchUp(other);
    CHECK(news.restarted);
    CHECK(news.fresh.size() == static_cast<size_t>(last));
    CHECK(cursor.advance(event(2, last + 1)));
  }
}

TEST_CASE("event_cursor: who knew of none cannot tell one process from another") {
  EventCursor cursor;
  cursor.catchUp(history(1, 1, 0));
  const Json other = history(2, 1, 2);
  const auto news = cursor.catchUp(other);
  CHECK_FALSE(news.restarted);
  CHECK(numbers(news) == Numbers{1, 2});
}

TEST_CASE("event_cursor: what is no history") {
  EventCursor cursor;
  for (const char* text :
       {"{}", R"({"events":7})", R"({"events":[7,null,{"sequence":-1},{"sequence":"x"},{"sequence":1e300}]})"})
    CHECK(cursor.catchUp(Json::parse(text)).fresh.size() <= 5);
}

}  // namespace
}  // namespace peerpulse::cli
