#include "event_follower.h"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include "event_stream.h"

namespace peerpulse::cli {

EventFollower::EventFollower(const AdminClient& admin, const Terminal& terminal, Tell tell)
    : admin_(admin), terminal_(terminal), tell_(std::move(tell)) {}

Result<void> EventFollower::run(const Tell& tellPast) {
  Result<void> done = catchUp(tellPast);
  if (!done) return done;
  done = listen();
  const bool refused = !done && (done.error().code == 0 || done.error().code == EPROTO);
  if (refused) return done;
  while (terminal_.flush() && !readerIsGone()) {
    if (!skipped_) sayLost(done);
    wait();
    done = catchUp(tell_);
    if (done) done = listen();
  }
  return {};
}

Result<void> EventFollower::catchUp(const Tell& tell) {
  const auto history = admin_.history();
  if (!history) return history.error();
  const std::string last = cursor_.at();
  const EventCursor::CaughtUp news = cursor_.catchUp(history->json);
  if (news.restarted) terminal_.complain("peerpulse was started anew: what happened last before may be missing here");
  if (news.gap) {
    terminal_.complain("more happened than is kept: events " + (last.empty() ? "" : "after " + last + " ") +
                       "are missing here");
  }
  for (const Json* event : news.fresh)
    tell(*event);
  return {};
}

Result<void> EventFollower::listen() {
  skipped_ = false;
  EventStream stream;
  return admin_.follow(std::to_string(cursor_.sequence()), [&](std::string_view text) {
    if (std::exchange(lost_, false))
      terminal_.complain("the admin at " + admin_.address().toString() + " answers again");
    stream.feed(text, [&](const std::string& data) { onEvent(data); });
    return terminal_.flush() && !readerIsGone() && !skipped_;
  });
}

void EventFollower::onEvent(const std::string& data) {
  const Json event = parseJson(data);
  if (skipped_ || !event.is_object()) return;
  skipped_ = !cursor_.advance(event);
  if (skipped_) return;
  pause_ = kFirstPause;
  tell_(event);
}

void EventFollower::sayLost(const Result<void>& ended) {
  if (std::exchange(lost_, true)) return;
  terminal_.complain(
      (ended ? "the admin at " + admin_.address().toString() + " ended the stream" : ended.error().message) +
      "; asking again until it answers");
}

/// Ends early when whoever read our output goes.
void EventFollower::wait() {
  const Deadline until(pause_);
  pause_ = std::min(pause_ * 2, kLongestPause);
  while (!until.passed() && !readerIsGone()) {
    pollfd output{STDOUT_FILENO, 0, 0};
    (void)::poll(&output, 1, until.pollMillis());
  }
}

}  // namespace peerpulse::cli
