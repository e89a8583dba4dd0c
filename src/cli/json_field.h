// What the admin's JSON has at a JSON pointer, or a fallback: an admin of another version may lack a field or know more.
//
// Threading: pure.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

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
  return value != nullptr && value->is_string() ? value->get<std::string>() : otherwise;
}

inline std::optional<double> numberAt(const Json& json, const std::string& pointer) {
  const Json* value = at(json, pointer);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->get<double>();
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
    if (entry.is_string()) texts.push_back(entry.get<std::string>());
  }
  return texts;
}

}  // namespace peerpulse::cli
