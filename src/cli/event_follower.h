// EventFollower: tells events as they happen, for as long as somebody reads. An admin that ends, falls silent or is started
// anew is asked again, with a pause that grows; every event that it still has is told once, and what is lost is said.
//
// Threading: one thread; blocks.
#pragma once

#include <functional>
#include <string>

#include "admin_client.h"
#include "event_cursor.h"
#include "peerpulse/base/result.h"
#include "peerpulse/base/time.h"
#include "terminal.h"

namespace peerpulse::cli {

class EventFollower {
 public:
  using Tell = std::function<void(const Json& event)>;

  static constexpr Duration kFirstPause = milliseconds(200);
  static constexpr Duration kLongestPause = seconds(5);

  EventFollower(const AdminClient& admin, const Terminal& terminal, Tell tell);

  /// `tellPast`: for each event that there was already. Returns when nobody reads any more. Errors: only of the first time:
  /// whoever asks wants to know that there is nothing to follow.
  Result<void> run(const Tell& tellPast);

 private:
  Result<void> catchUp(const Tell& tell);
  Result<void> listen();
  void onEvent(const std::string& data);
  void wait();
  void sayLost(const Result<void>& ended);

  const AdminClient& admin_;
  const Terminal& terminal_;
  Tell tell_;
  EventCursor cursor_;
  Duration pause_ = kFirstPause;
  bool lost_ = false;     ///< it was said that the admin is
  bool skipped_ = false;  ///< the stream has what is not the next event: the history is to be asked
};

}  // namespace peerpulse::cli
