#include "start_line.h"

#include "../field_rules.h"
#include "../target_rules.h"

namespace peerpulse::http::h1 {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// "HTTP/" DIGIT "." DIGIT; 505 for one that is well-formed but not ours.
std::optional<Fault> parseVersion(std::string_view text, Version& out) {
  if (text == "HTTP/1.1") {
    out = Version::kHttp11;
    return std::nullopt;
  }
  if (text.size() != 8 || text.substr(0, 5) != "HTTP/" || !isDigit(text[5]) || text[6] != '.' || !isDigit(text[7])) {
    return Fault{400, "malformed HTTP version"};
  }
  if (text[5] == '0') return Fault{400, "HTTP/0.9"};
  if (text != "HTTP/1.0") return Fault{505, "HTTP version not supported"};
  out = Version::kHttp10;
  return std::nullopt;
}

}  // namespace

std::optional<Fault> parseRequestLine(std::string_view line, RequestLine& out) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return Fault{400, "malformed request line"};
  out.method = line.substr(0, first);
  out.target = line.substr(first + 1, last - first - 1);
  if (!isToken(out.method)) return Fault{400, "method is no token"};
  if (const char* problem = targetProblem(out.target)) return Fault{400, problem};
  return parseVersion(line.substr(last + 1), out.version);
}

std::optional<Fault> parseStatusLine(std::string_view line, StatusLine& out) {
  if (line.size() < 12 || line[8] != ' ') return Fault{502, "malformed status line"};
  if (parseVersion(line.substr(0, 8), out.version)) return Fault{502, "HTTP version not supported"};
  const auto status = parseDigits(line.substr(9, 3));
  if (!status || *status < 100 || *status > 599) return Fault{502, "malformed status"};
  if (line.size() > 12 && line[12] != ' ') return Fault{502, "malformed status"};
  out.status = static_cast<int>(*status);
  return std::nullopt;
}

}  // namespace peerpulse::http::h1
