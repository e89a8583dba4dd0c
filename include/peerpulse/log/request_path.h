// A request's path as a log line shows it. Its query may hold signatures and tokens (pre-signed URLs), in names as well as in
// values: it is masked unless the operator wants to see it.
//
// Threading: pure.
#pragma once

#include <string>
#include <string_view>

namespace peerpulse::log {

inline constexpr size_t kMaxLoggedPath = 512;

/// "/bucket/key?*", or all of it with `showQuery`; at most kMaxLoggedPath bytes of `path`.
std::string loggedPath(std::string_view path, bool showQuery);

}  // namespace peerpulse::log
