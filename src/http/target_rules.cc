#include "target_rules.h"

#include <algorithm>

#include "byte_scan.h"

namespace peerpulse::http {
namespace {

constexpr ByteSet kHostBytes("-._~!$&'()*+;=%");

bool isPortDigit(char c) { return c >= '0' && c <= '9'; }

bool isTargetByte(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u > 0x20 && u < 0x7f && c != '#';
}

}  // namespace

const char* targetProblem(std::string_view target) {
  if (!std::all_of(target.begin(), target.end(), isTargetByte)) return "illegal character in the request target";
  if (target.empty() || target.find("%00") != std::string_view::npos) return "illegal request target";
  return nullptr;
}

const char* pathProblem(std::string_view path, std::string_view method) {
  if (const char* problem = targetProblem(path)) return problem;
  if (path == "*") return method == "OPTIONS" ? nullptr : "asterisk-form without OPTIONS";
  return path.front() == '/' ? nullptr : "malformed request target";
}

bool isAuthority(std::string_view text) {
  size_t hostEnd = text.find(':');
  if (!text.empty() && text.front() == '[') {
    const size_t close = text.find(']');
    if (close == std::string_view::npos || close == 1) return false;
    const std::string_view inside = text.substr(1, close - 1);
    if (!std::all_of(inside.begin(), inside.end(), [](char c) { return c == ':' || kHostBytes.has(c); }))
      return false;
    hostEnd = close + 1 < text.size() ? close + 1 : std::string_view::npos;
  } else {
    const std::string_view host = text.substr(0, hostEnd);
    if (host.empty() || !kHostBytes.hasAll(host)) return false;
  }
  if (hostEnd == std::string_view::npos) return true;
  const std::string_view port = text.substr(hostEnd + 1);
  return text[hostEnd] == ':' && port.size() <= 5 && std::all_of(port.begin(), port.end(), isPortDigit);
}

}  // namespace peerpulse::http
