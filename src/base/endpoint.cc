#include "peerpulse/base/endpoint.h"

#include <algorithm>
#include <charconv>

namespace peerpulse {

namespace {

constexpr size_t kMaxHostName = 253;
constexpr size_t kMaxLabel = 63;

bool isDigit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool isLabel(std::string_view label) {
  const auto allowed = [](char c) {
    return isDigit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '_';
  };
  return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), allowed);
}

Error badEndpoint(std::string_view text, const char* why) {
  return Error{"'" + std::string(text) + "' is not an address: " + why +
               " (expected IP:PORT, [IPV6]:PORT, HOSTNAME:PORT or unix:/path)"};
}

}  // namespace

bool isHostName(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kMaxHostName) return false;
  std::string_view last;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('.', begin), text.size());
    last = text.substr(begin, end - begin);
    if (!isLabel(last)) return false;
    begin = end + 1;
  }
  return !std::all_of(last.begin(), last.end(), isDigit);
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  auto literal = SocketAddress::parse(text);
  if (literal) return Endpoint(*literal);
  const size_t colon = text.rfind(':');
  const std::string_view host = text.substr(0, std::min(colon, text.size()));
  if (text.starts_with("unix:") || !isHostName(host)) return literal.error();
  if (colon == std::string_view::npos) return badEndpoint(text, "the port is missing");
  const std::string_view digits = text.substr(colon + 1);
  Endpoint endpoint;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port_);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return badEndpoint(text, "the port is not a number from 0 to 65535");
  }
  endpoint.name_ = host;
  std::transform(host.begin(), host.end(), endpoint.name_.begin(), lower);
  return endpoint;
}

std::string Endpoint::toString() const {
  return isName() ? name_ + ":" + std::to_string(port_) : literal_.toString();
}

std::string Endpoint::authority() const {
  if (isUnix()) return "localhost";
  std::string text = toString();
  const size_t percent = text.find('%');
  if (percent != std::string::npos) text.erase(percent, text.find(']') - percent);
  return text;
}

}  // namespace peerpulse
