#include <charconv>
#include <cmath>
#include <cstdio>

#include "peerpulse/log/log.h"

namespace peerpulse::log {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool isContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// Length of the well-formed UTF-8 sequence at the start of `s` (Unicode 15, table 3-7), or 0.
size_t sequenceLength(std::string_view s) {
  const auto first = static_cast<unsigned char>(s[0]);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                        : first >= 0xE0 && first <= 0xEF ? 3
                        : first >= 0xF0 && first <= 0xF4 ? 4
                                                         : 0;
  if (length == 0 || s.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (!isContinuation(s[i])) return 0;
  }
  const auto second = static_cast<unsigned char>(s[1]);
  // Overlong forms, surrogates and what lies above U+10FFFF.
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  return length;
}

void appendAscii(char c, std::string& out) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) {
    out += c;
    return;
  }
  char escaped[8];
  std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
  out += escaped;
}

void appendQuoted(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const size_t length = sequenceLength(text);
    if (length == 0) {
      out += kReplacement;
      text.remove_prefix(1);
    } else if (length == 1) {
      appendAscii(text[0], out);
      text.remove_prefix(1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  out += '"';
}

template <typename Number>
void appendNumber(Number value, std::string& out) {
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end);
}

void appendKey(std::string_view key, std::string& out) {
  out += ',';
  appendQuoted(key, out);
  out += ':';
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  appendQuoted(text, out);
  return out;
}

Fields& Fields::add(std::string_view key, std::string_view value) {
  appendKey(key, json_);
  appendQuoted(value, json_);
  return *this;
}

Fields& Fields::add(std::string_view key, bool value) {
  appendKey(key, json_);
  json_ += value ? "true" : "false";
  return *this;
}

Fields& Fields::add(std::string_view key, double value) {
  appendKey(key, json_);
  if (!std::isfinite(value)) {
    json_ += "null";
    return *this;
  }
  char digits[32];
  // Twelve significant digits: sums of doubles shall not print as 51.200000000000003.
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, 12);
  json_.append(digits, end);
  return *this;
}

Fields& Fields::add(std::string_view key, uint64_t value) {
  appendKey(key, json_);
  appendNumber(value, json_);
  return *this;
}

Fields& Fields::add(std::string_view key, int64_t value) {
  appendKey(key, json_);
  appendNumber(value, json_);
  return *this;
}

}  // namespace peerpulse::log
