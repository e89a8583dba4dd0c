#include "pending_notices.h"

#include <algorithm>
#include <utility>

namespace peerpulse::hooks {

bool PendingNotices::put(Notice notice) {
  context_ = std::exchange(notice.context, {});
  const auto older = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const PendingNotice& p) { return p.notice.peer == notice.peer; });
  if (older == waiting_.end()) {
    waiting_.push_back({std::move(notice), 0});
    return false;
  }
  older->notice = std::move(notice);
  ++older->dropped;
  return true;
}

std::optional<PendingNotice> PendingNotices::take(TimePoint now) {
  const auto due = std::find_if(waiting_.begin(), waiting_.end(),
                                [&](const PendingNotice& p) { return allowedAt(p.notice.peer) <= now; });
  if (due == waiting_.end()) return std::nullopt;
  std::optional<PendingNotice> taken = std::move(*due);
  waiting_.erase(due);
  taken->notice.context = context_;
  allowedAt(taken->notice.peer) = now + kGap;
  return taken;
}

TimePoint PendingNotices::nextDue() const {
  TimePoint due = TimePoint::max();
  for (const PendingNotice& pending : waiting_)
    due = std::min(due, allowedAt_[slot(pending.notice.peer)]);
  return due;
}

}  // namespace peerpulse::hooks
