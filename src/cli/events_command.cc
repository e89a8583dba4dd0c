#include <algorithm>
#include <cerrno>
#include <optional>

#include "command.h"
#include "event_stream.h"
#include "json_field.h"
#include "peerpulse/base/duration_text.h"
#include "text.h"
#include "words.h"

namespace peerpulse::cli {

namespace {

void print(const Terminal& terminal, const Json& event) {
  if (terminal.json) {
    terminal.out << event.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    terminal.out << eventWords(event) << "\n";
  }
}

/// From when on; nothing when `text` is neither a duration nor a time.
std::optional<WallTime> sinceTime(const std::string& text) {
  if (text.empty()) return WallTime();
  if (const auto age = parseDuration(text)) {
    return wallNow() - std::chrono::duration_cast<WallTime::duration>(*age);
  }
  return parseRfc3339(text);
}

/// Prints the history from `since` on; returns the sequence number of its last event.
Result<std::string> printHistory(const AdminClient& admin, WallTime since, const Terminal& terminal) {
  const auto history = admin.get("/events?history=1");
  if (!history) return history.error();
  uint64_t last = 0;
  const Json* events = at(history->json, "/events");
  if (events == nullptr || !events->is_array()) return std::string("0");
  for (const Json& event : *events) {
    last = std::max(last, static_cast<uint64_t>(numberAt(event, "/sequence").value_or(0)));
    const auto when = parseRfc3339(textAt(event, "/at"));
    if (!when || *when >= since) print(terminal, event);
  }
  return std::to_string(last);
}

}  // namespace

int eventsCommand(const AdminClient& admin, const EventsQuery& query, const Terminal& terminal) {
  const auto since = sinceTime(query.since);
  if (!since) {
    return failed(terminal, Error{"--since " + query.since +
                                  ": expected a duration such as 10m, or a time such as "
                                  "2026-01-31T12:00:00Z"});
  }
  std::string after;
  if (!query.follow || !query.since.empty()) {
    auto last = printHistory(admin, *since, terminal);
    if (!last) return failed(terminal, last.error());
    after = std::move(*last);
  }
  if (!query.follow) return kExitOk;
  EventStream stream;
  const auto onEvent = [&](const std::string& data) {
    const Json event = Json::parse(data, nullptr, false);
    if (event.is_object()) print(terminal, event);
  };
  const auto done = admin.follow(after, [&](std::string_view text) {
    stream.feed(text, onEvent);
    terminal.out.flush();
    return terminal.out.good();
  });
  if (!done) return failed(terminal, done.error());
  return failed(terminal, Error{"the admin at " + admin.address().toString() + " ended the stream", EPIPE});
}

}  // namespace peerpulse::cli
