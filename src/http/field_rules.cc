#include "field_rules.h"

#include <algorithm>
#include <array>

#include "peerpulse/http/header_list.h"

namespace peerpulse::http {
namespace {

template <size_t N>
bool oneOf(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view n) { return equalsIgnoreCase(n, name); });
}

constexpr std::array<std::string_view, 6> kConnectionFields = {"connection",        "keep-alive", "proxy-connection",
                                                               "transfer-encoding", "upgrade",    "http2-settings"};

constexpr std::array<std::string_view, 13> kForbiddenTrailers = {"transfer-encoding",
                                                                 "content-length",
                                                                 "host",
                                                                 "authorization",
                                                                 "proxy-authorization",
                                                                 "cookie",
                                                                 "set-cookie",
                                                                 "te",
                                                                 "trailer",
                                                                 "connection",
                                                                 "keep-alive",
                                                                 "proxy-connection",
                                                                 "upgrade"};

}  // namespace

std::optional<uint64_t> parseDigits(std::string_view text) {
  constexpr uint64_t kMax = INT64_MAX;
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (value > (kMax - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

bool isConnectionField(std::string_view name) { return oneOf(name, kConnectionFields); }

bool isForbiddenTrailer(std::string_view name) { return oneOf(name, kForbiddenTrailers); }

bool isToken(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

}  // namespace peerpulse::http
