#include "event_cursor.h"

namespace peerpulse::cli {

namespace {

uint64_t sequenceOf(const Json& event) {
  return static_cast<uint64_t>(wholeAt(event, "/sequence", 0, INT64_MAX).value_or(0));
}

const std::vector<Json>& eventsOf(const Json& history) {
  static const std::vector<Json> kNone;
  const Json* events = at(history, "/events");
  return events != nullptr && events->is_array() ? events->get_ref<const Json::array_t&>() : kNone;
}

}  // namespace

EventCursor::CaughtUp EventCursor::catchUp(const Json& history) {
  const std::vector<Json>& events = eventsOf(history);
  CaughtUp result;
  bool known = sequence_ == 0;  // the last one that was told is among them
  for (const Json& event : events) {
    if (sequenceOf(event) == sequence_ && textAt(event, "/at") == at_) known = true;
  }
  const uint64_t first = events.empty() ? 0 : sequenceOf(events.front());
  const uint64_t last = events.empty() ? 0 : sequenceOf(events.back());
  // One that is not there any more is older than all that are, and of the same process as far as anybody can tell.
  result.gap = begun_ && first > sequence_ + 1;
  result.restarted = begun_ && !known && !result.gap;
  if (!begun_ || result.restarted || result.gap) sequence_ = 0;
  for (const Json& event : events) {
    if (sequenceOf(event) > sequence_) result.fresh.push_back(&event);
  }
  begun_ = true;
  sequence_ = last;
  at_ = events.empty() ? "" : textAt(events.back(), "/at");
  return result;
}

bool EventCursor::advance(const Json& event) {
  if (sequenceOf(event) != sequence_ + 1) return false;
  ++sequence_;
  at_ = textAt(event, "/at");
  return true;
}

}  // namespace peerpulse::cli
