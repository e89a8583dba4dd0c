#include "printable.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "peerpulse/base/utf8.h"

namespace peerpulse::cli {

namespace {

bool isHarmless(uint32_t point) {
  const bool control = point < 0x20 || (point >= 0x7F && point <= 0x9F);
  const bool steering = (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
  return !control && !steering;
}

/// `text` with the result of `instead(point)` for each character that is not harmless.
template <typename Instead>
std::string filtered(std::string_view text, Instead instead) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const size_t length = utf8Length(text);
    const std::string_view character = text.substr(0, std::max<size_t>(length, 1));
    if (length == 0) {
      result += kUtf8Replacement;
    } else if (const uint32_t point = utf8CodePoint(character); isHarmless(point)) {
      result += character;
    } else {
      result += instead(point);
    }
    text.remove_prefix(character.size());
  }
  return result;
}

std::string escaped(uint32_t point) {
  if (point == '\n') return "\n";
  if (point == '\t' || point == '\r') return " ";  // white space: valid JSON has them nowhere else
  char text[8];
  std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(point));
  return text;
}

}  // namespace

std::string printable(std::string_view text) {
  return filtered(text, [](uint32_t) { return kUtf8Replacement; });
}

std::string printableLines(std::string_view text) {
  return filtered(text, [](uint32_t point) { return point == '\n' ? std::string_view("\n") : kUtf8Replacement; });
}

std::string printableJson(std::string_view json) { return filtered(json, escaped); }

size_t columnsOf(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;  // all but what continues a character
  }));
}

}  // namespace peerpulse::cli
