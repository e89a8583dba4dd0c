// Time as peerpulse uses it: monotonic only (design section 3, faults D6). The wall clock appears in exactly
// one place, WallTime, for what people read (logs, events, `since`).
//
// Pure code (health/, policies) takes `TimePoint now` as a parameter. Only event/ and main.cc read the clock.
#pragma once

#include <chrono>
#include <string>

namespace peerpulse {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;
using WallTime = std::chrono::system_clock::time_point;

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// `d` in milliseconds with its fraction; for logs, JSON and metrics only.
inline double toMillis(Duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

/// `d` in seconds with its fraction; for metrics only.
inline double toSeconds(Duration d) { return std::chrono::duration<double>(d).count(); }

/// RFC 3339 in UTC with microseconds: "2026-11-22T10:49:35.123456Z".
std::string formatRfc3339(WallTime t);

}  // namespace peerpulse
