#include "content_digest.h"

#include <algorithm>
#include <optional>

#include "peerpulse/http/message.h"

namespace peerpulse::fanout {

namespace {

struct Algorithm {
  std::string_view name;
  size_t size;             ///< bytes of a digest
  std::string_view empty;  ///< of nothing
};
constexpr Algorithm kAlgorithms[] = {
    {"sha-256", 32, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
    {"sha-512", 64, "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="},
};

int valueOf(char digit) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const size_t at = kDigits.find(digit);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

/// RFC 4648 section 4, padded or not: a reader of structured fields takes both (RFC 8941 section 4.2.7).
std::optional<std::string> decoded(std::string_view text) {
  while (!text.empty() && text.back() == '=')
    text.remove_suffix(1);
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = valueOf(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  return bytes;
}

/// The digest in the dictionary `field` (RFC 8941 section 3.2), of which the last member of a name counts. No value of such
/// a field has a comma, a semicolon or a colon inside.
std::optional<std::string> digestIn(std::string_view field, const Algorithm& algorithm) {
  std::optional<std::string> found;
  while (!field.empty()) {
    const size_t comma = std::min(field.find(','), field.size());
    std::string_view member = http::trimmed(field.substr(0, comma));
    field.remove_prefix(std::min(field.size(), comma + 1));
    const size_t equals = std::min(member.find('='), member.size());
    if (!http::equalsIgnoreCase(member.substr(0, equals), algorithm.name)) continue;
    std::string_view value = member.substr(std::min(member.size(), equals + 1));
    value = http::trimmed(value.substr(0, value.find(';')));
    if (value.size() < 2 || value.front() != ':' || value.back() != ':') continue;
    const auto bytes = decoded(value.substr(1, value.size() - 2));
    if (bytes && bytes->size() == algorithm.size) found = bytes;
  }
  return found;
}

}  // namespace

std::string digestMismatch(std::string_view sent, std::string_view acknowledged) {
  for (const Algorithm& algorithm : kAlgorithms) {
    const auto ours = digestIn(sent, algorithm);
    const auto theirs = digestIn(acknowledged, algorithm);
    if (!ours || !theirs || *ours == *theirs || *theirs == decoded(algorithm.empty)) continue;
    return "the peer acknowledges another " + std::string(algorithm.name) + " than content-digest says was sent";
  }
  return {};
}

}  // namespace peerpulse::fanout
