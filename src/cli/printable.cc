#include "printable.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>

#include "peerpulse/base/utf8.h"

namespace peerpulse::cli {

namespace {

struct Range {
  uint32_t first, last;
};
constexpr Range kHarmful[] = {
    {0x00, 0x1F},        // C0
    {0x7F, 0x9F},        // DEL, C1
    {0x061C, 0x061C},    // Arabic letter mark
    {0x200B, 0x200F},    // of no width, and marks of direction
    {0x2028, 0x202E},    // ends of lines and paragraphs, embeddings of a direction
    {0x2060, 0x2064},    // joiners and operators that are not seen
    {0x2066, 0x2069},    // isolates of a direction
    {0xFEFF, 0xFEFF},    // a space of no width, or a byte order mark
    {0xE0000, 0xE007F},  // tags: letters that are not seen
};

bool isHarmless(uint32_t point) {
  return std::none_of(std::begin(kHarmful), std::end(kHarmful),
                      [&](const Range& range) { return point >= range.first && point <= range.last; });
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
  const auto unit = [](uint32_t value) {
    char text[16];
    std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(value));
    return std::string(text);
  };
  if (point < 0x10000) return unit(point);
  const uint32_t above = point - 0x10000;  // two units of UTF-16 (RFC 8259, section 7)
  return unit(0xD800 + (above >> 10U)) + unit(0xDC00 + (above & 0x3FFU));
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
