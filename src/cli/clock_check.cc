#include "clock_check.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <sys/timex.h>

#include "text.h"

namespace peerpulse::cli {

namespace {

/// A Date has whole seconds, and the answer took its time.
constexpr seconds kTolerated{2};
/// RustFS refuses beyond this; MinIO's limits are 15 min, and 5 min for its grid.
constexpr seconds kRefused{300};

}  // namespace

std::optional<WallTime> parseHttpDate(std::string_view text) {
  std::tm tm{};
  const std::string copy(text);
  const char* rest = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &tm);
  if (rest == nullptr || *rest != '\0') return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&tm));
}

Finding checkSkew(const std::string& peer, WallTime date, WallTime now) {
  const auto skew = std::chrono::duration_cast<Duration>(date - now);
  const Duration size = std::chrono::abs(skew);
  const std::string what =
      "its clock is " + ageText(size) + (skew < Duration::zero() ? " behind" : " ahead of") + " this host's";
  if (size <= kTolerated) return {Severity::kOk, "clock", peer, "its clock agrees with this host's", ""};
  return {
      size >= kRefused ? Severity::kProblem : Severity::kWarning, "clock", peer,
      what + (size >= kRefused ? ": signed requests are refused" : "; beyond 5 minutes signed requests are refused"),
      "run a time service (chrony, systemd-timesyncd) on both hosts"};
}

Finding checkSynchronised() {
  timex state{};
  const int result = ::adjtimex(&state);
  if (result < 0)
    return {Severity::kAdvice, "clock", "this host", std::string("cannot be read: ") + std::strerror(errno), ""};
  if (result == TIME_ERROR || (static_cast<unsigned>(state.status) & STA_UNSYNC) != 0) {
    return {Severity::kWarning, "clock", "this host", "no time service keeps its clock",
            "run chrony or systemd-timesyncd; in a container the host's counts"};
  }
  return {Severity::kOk, "clock", "this host", "is synchronised", ""};
}

}  // namespace peerpulse::cli
