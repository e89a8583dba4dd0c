#include "text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "printable.h"

namespace peerpulse::cli {

namespace {

std::string twoUnits(int64_t large, const char* largeUnit, int64_t small, const char* smallUnit) {
  char text[64];
  std::snprintf(text, sizeof text, "%lld%s%02lld%s", static_cast<long long>(large), largeUnit,
                static_cast<long long>(small), smallUnit);
  return text;
}

}  // namespace

std::string shortNumber(double value) {
  char text[64];
  std::snprintf(text, sizeof text, std::abs(value) >= 10 || value == std::floor(value) ? "%.0f" : "%.1f", value);
  return text;
}

std::string ageText(Duration age) {
  const auto whole = std::chrono::duration_cast<seconds>(age).count();
  if (age < milliseconds(1)) return shortNumber(toMillis(age)) + " ms";
  if (whole < 1) return std::to_string(std::llround(toMillis(age))) + " ms";
  if (whole < 60) return shortNumber(toSeconds(age)) + " s";
  if (whole < 3600) return twoUnits(whole / 60, "m", whole % 60, "s");
  if (whole < 86400) return twoUnits(whole / 3600, "h", whole % 3600 / 60, "m");
  return twoUnits(whole / 86400, "d", whole % 86400 / 3600, "h");
}

std::optional<WallTime> parseRfc3339(std::string_view text) {
  std::tm tm{};
  const std::string copy(text);
  const char* rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &tm);
  if (rest == nullptr) return std::nullopt;
  constexpr time_t kLast = 9'223'372'036;  // in 2262; nanoseconds end there
  const time_t whole = ::timegm(&tm);
  if (whole < 0 || whole >= kLast) return std::nullopt;
  WallTime time = std::chrono::system_clock::from_time_t(whole);
  if (*rest == '.') {
    const char* end = ++rest;
    while (*end >= '0' && *end <= '9')
      ++end;
    if (end == rest) return std::nullopt;
    double fraction = 0;
    const std::string digits = "0." + std::string(rest, end);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), fraction).ec != std::errc())
      return std::nullopt;
    time += std::chrono::duration_cast<WallTime::duration>(std::chrono::duration<double>(fraction));
    rest = end;
  }
  if (std::string_view(rest) != "Z") return std::nullopt;
  return time;
}

std::string sinceText(std::string_view rfc3339, WallTime now) {
  const auto since = parseRfc3339(rfc3339);
  if (!since) return "";
  return ageText(std::max(std::chrono::duration_cast<Duration>(now - *since), Duration::zero())) + " ago";
}

std::string listText(const std::vector<std::string>& names) {
  if (names.empty()) return "nobody";
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

std::string Table::text() const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], columnsOf(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] + 2 - columnsOf(row[i]), ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace peerpulse::cli
