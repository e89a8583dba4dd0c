#include <charconv>
#include <cmath>
#include <cstdio>

#include "peerpulse/base/utf8.h"
#include "peerpulse/log/log.h"

namespace peerpulse::log {

namespace {

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
    const size_t length = utf8Length(text);
    if (length == 0) {
      out += kUtf8Replacement;
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
