#include "peerpulse/base/time.h"

#include <cstdio>
#include <ctime>

namespace peerpulse {

std::string formatRfc3339(WallTime t) {
  const auto sinceEpoch = t.time_since_epoch();
  const auto whole = std::chrono::duration_cast<seconds>(sinceEpoch);
  const auto micros = std::chrono::duration_cast<microseconds>(sinceEpoch - whole).count();
  const std::time_t secondsValue = whole.count();
  std::tm utc{};
  gmtime_r(&secondsValue, &utc);
  char text[48];
  const size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + n, sizeof text - n, ".%06lldZ", static_cast<long long>(micros));
  return text;
}

}  // namespace peerpulse
