#include <optional>

#include "command.h"
#include "event_follower.h"
#include "json_field.h"
#include "peerpulse/base/duration_text.h"
#include "text.h"
#include "words.h"

namespace peerpulse::cli {

namespace {

void print(const Terminal& terminal, const Json& event) {
  if (terminal.json()) {
    terminal.showJson(event, -1);
  } else {
    terminal.show(eventWords(event) + "\n");
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

int printHistory(const AdminClient& admin, const EventFollower::Tell& tell, const Terminal& terminal) {
  const auto history = admin.history();
  if (!history) return failed(terminal, history.error());
  for (const Json* event : EventCursor().catchUp(history->json).fresh)
    tell(*event);
  return kExitOk;
}

}  // namespace

int eventsCommand(const AdminClient& admin, const EventsQuery& query, const Terminal& terminal) {
  const auto since = sinceTime(query.since);
  if (!since) {
    return failed(terminal, Error{"--since " + query.since +
                                  ": expected a duration such as 10m, or a time such as "
                                  "2026-01-31T12:00:00Z"});
  }
  const auto tell = [&](const Json& event) { print(terminal, event); };
  const auto tellSince = [&](const Json& event) {
    const auto when = parseRfc3339(textAt(event, "/at"));
    if (!when || *when >= *since) tell(event);
  };
  if (!query.follow) return printHistory(admin, tellSince, terminal);
  const bool wantsPast = !query.since.empty();
  EventFollower follower(admin, terminal, tell);
  const auto done = follower.run(wantsPast ? EventFollower::Tell(tellSince) : [](const Json&) {});
  return done ? kExitOk : failed(terminal, done.error());
}

}  // namespace peerpulse::cli
