// What the admin's JSON has at a JSON pointer, or a fallback: an admin of another version may lack a field or know more.
// Texts are made fit for a terminal (printable.h) here, where they are taken, so that no command can forget it.
//
// Threading: pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "peerpulse/base/time.h"
#include "printable.h"

namespace peerpulse::cli {

using Json = nlohmann::json;

inline const Json* at(const Json& json, const std::string& pointer) {
  const Json::json_pointer where(pointer);
  if (!json.contains(where)) return nullptr;
  const Json& value = json.at(where);
  return value.is_null() ? nullptr : &value;
}

inline std::string textAt(const Json& json, const std::string& pointer, const std::string& otherwise = "") {
  const Json* value = at(json, pointer);
  return value != nullptr && value->is_string() ? printable(value->get_ref<const std::string&>()) : otherwise;
}

inline std::optional<double> numberAt(const Json& json, const std::string& pointer) {
  const Json* value = at(json, pointer);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->get<double>();
}

/// As a whole number within the limits: who sends more (1e300) gets the limit.
inline std::optional<int64_t> wholeAt(const Json& json, const std::string& pointer, int64_t least, int64_t most) {
  const auto value = numberAt(json, pointer);
  if (!value) return std::nullopt;
  if (*value >= static_cast<double>(most)) return most;
  return *value <= static_cast<double>(least) ? least : static_cast<int64_t>(*value);
}

/// Milliseconds as a duration, of ten years at most.
inline std::optional<Duration> millisAt(const Json& json, const std::string& pointer) {
  constexpr double kMost = 10.0 * 365 * 86400 * 1000;
  const auto value = numberAt(json, pointer);
  if (!value) return std::nullopt;
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double, std::milli>(std::clamp(*value, -kMost, kMost)));
}

inline bool flagAt(const Json& json, const std::string& pointer) {
  const Json* value = at(json, pointer);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

inline std::vector<std::string> textsAt(const Json& json, const std::string& pointer) {
  std::vector<std::string> texts;
  const Json* value = at(json, pointer);
  if (value == nullptr || !value->is_array()) return texts;
  for (const Json& entry : *value) {
    if (entry.is_string()) texts.push_back(printable(entry.get_ref<const std::string&>()));
  }
  return texts;
}

}  // namespace peerpulse::cli
