#include "first_bytes.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

namespace peerpulse::cli {

namespace {

/// Servers that see plain HTTP at their TLS port and say so (nginx, Go, Apache, HAProxy's default text has no such word).
bool namesHttps(std::string_view bytes) {
  std::string lower(bytes.substr(0, 4096));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower.find("https port") != std::string::npos ||
         lower.find("http request to an https server") != std::string::npos ||
         lower.find("speaking plain http to an ssl-enabled") != std::string::npos;
}

}  // namespace

bool isTlsRecord(std::string_view bytes) {
  return bytes.size() >= 2 && (bytes[0] == 0x15 || bytes[0] == 0x16) && bytes[1] == 0x03;
}

int statusOf(std::string_view bytes) {
  if (!bytes.starts_with("HTTP/1.") || bytes.size() < 12) return 0;
  int status = 0;
  return std::from_chars(bytes.data() + 9, bytes.data() + 12, status).ec == std::errc() ? status : 0;
}

SpeechAnswer::Kind speechOf(std::string_view bytes) {
  if (bytes.empty()) return SpeechAnswer::Kind::kClosed;
  if (isTlsRecord(bytes)) return SpeechAnswer::Kind::kTls;
  if (!bytes.starts_with("HTTP/1.")) return SpeechAnswer::Kind::kOther;
  return statusOf(bytes) == 400 && namesHttps(bytes) ? SpeechAnswer::Kind::kTls : SpeechAnswer::Kind::kHttp1;
}

}  // namespace peerpulse::cli
