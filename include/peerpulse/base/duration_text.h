// Durations as configuration and admin write them: "20ms", "1.5s", "10m".
#pragma once

#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "peerpulse/base/time.h"

namespace peerpulse {

namespace duration_text {

struct Unit {
  std::string_view suffix;
  nanoseconds length;
};
inline constexpr Unit kUnits[] = {{"h", std::chrono::hours(1)},
                                  {"m", std::chrono::minutes(1)},
                                  {"s", seconds(1)},
                                  {"ms", milliseconds(1)},
                                  {"us", microseconds(1)}};
inline constexpr double kMaxNanos = 1000.0 * 3600 * 1e9;

/// Digits with at most one point inside; from_chars alone would take "inf" and "1e3".
inline bool isDecimal(std::string_view text) {
  const size_t point = text.find('.');
  const std::string_view fraction = point == std::string_view::npos ? "0" : text.substr(point + 1);
  const auto digitsOnly = [](std::string_view s) {
    return !s.empty() && s.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return digitsOnly(text.substr(0, point)) && digitsOnly(fraction);
}

}  // namespace duration_text

/// A number and one of us, ms, s, m, h. Nothing when malformed or beyond 1,000 hours.
inline std::optional<Duration> parseDuration(std::string_view text) {
  const size_t unitAt = text.find_first_not_of("0123456789.");
  if (unitAt == std::string_view::npos) return std::nullopt;
  const std::string_view number = text.substr(0, unitAt);
  if (!duration_text::isDecimal(number)) return std::nullopt;
  double amount = 0;
  if (std::from_chars(number.data(), number.data() + number.size(), amount).ec != std::errc()) return std::nullopt;
  for (const auto& unit : duration_text::kUnits) {
    if (text.substr(unitAt) != unit.suffix) continue;
    const double nanos = amount * static_cast<double>(unit.length.count());
    if (nanos > duration_text::kMaxNanos) return std::nullopt;
    return nanoseconds(std::llround(nanos));
  }
  return std::nullopt;
}

/// In the largest unit that needs no fraction: "20ms", "3s", "0s".
inline std::string formatDuration(Duration d) {
  if (d == Duration::zero()) return "0s";
  for (const auto& unit : duration_text::kUnits) {
    if (d % unit.length == Duration::zero()) return std::to_string(d / unit.length) + std::string(unit.suffix);
  }
  return std::to_string(std::chrono::ceil<microseconds>(d).count()) + "us";
}

}  // namespace peerpulse
