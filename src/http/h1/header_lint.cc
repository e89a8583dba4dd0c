#include "header_lint.h"

#include <algorithm>

#include "../field_rules.h"
#include "peerpulse/http/header_list.h"

namespace peerpulse::http::h1 {
namespace {

constexpr size_t kFieldOverhead = 32;

bool isControl(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u < 0x20 && u != '\t') || u == 0x7f;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// "HTTP/" DIGIT "." DIGIT; 505 for one that is well-formed but not ours.
std::optional<Fault> parseVersion(std::string_view text, Version& out) {
  if (text.size() != 8 || text.substr(0, 5) != "HTTP/" || !isDigit(text[5]) || text[6] != '.' || !isDigit(text[7])) {
    return Fault{400, "malformed HTTP version"};
  }
  if (text[5] == '0') return Fault{400, "HTTP/0.9"};
  if (text == "HTTP/1.1") {
    out = Version::kHttp11;
  } else if (text == "HTTP/1.0") {
    out = Version::kHttp10;
  } else {
    return Fault{505, "HTTP version not supported"};
  }
  return std::nullopt;
}

}  // namespace

void HeadScanner::restart(Kind kind) {
  kind_ = kind;
  text_.clear();
  lineStart_ = lines_ = 0;
  afterCr_ = skippedEmptyLine_ = false;
}

HeadScanner::Status HeadScanner::fail(int status, const char* detail) {
  fault_ = {status, detail};
  return Status::kFault;
}

HeadScanner::Status HeadScanner::feed(std::string_view& in) {
  while (!in.empty()) {
    const char c = in.front();
    in.remove_prefix(1);
    const Status status = take(c);
    if (status != Status::kNeedMore) return status;
  }
  return Status::kNeedMore;
}

HeadScanner::Status HeadScanner::take(char c) {
  if (afterCr_) {
    if (c != '\n') return fail(400, "bare CR");
    afterCr_ = false;
    return endLine();
  }
  if (c == '\r') {
    afterCr_ = true;
    return Status::kNeedMore;
  }
  if (c == '\n') return fail(400, "bare LF");
  if (isControl(c)) return fail(400, "control character");
  if (text_.size() == lineStart_ && (c == ' ' || c == '\t')) {
    return fail(400, lines_ == 0 ? "space before the message" : "folded field line");
  }
  text_.push_back(c);
  const size_t line = text_.size() - lineStart_;
  const bool startLine = lines_ == 0 && kind_ != Kind::kTrailers;
  if (startLine && line > limits_.maxRequestLineSize) return fail(414, "start line over the limit");
  if (!startLine && line > limits_.maxHeaderFieldSize) return fail(431, "field over the limit");
  if (text_.size() > limits_.maxHeaderListSize + limits_.maxRequestLineSize) {
    return fail(431, "header section over the limit");
  }
  return Status::kNeedMore;
}

HeadScanner::Status HeadScanner::endLine() {
  if (text_.size() == lineStart_) {
    if (lines_ > 0 || kind_ == Kind::kTrailers) return Status::kComplete;
    // One empty line before a request is forgiven (RFC 9112 2.2).
    if (kind_ == Kind::kResponse || skippedEmptyLine_) return fail(400, "empty line before the message");
    skippedEmptyLine_ = true;
    return Status::kNeedMore;
  }
  text_.append("\r\n");
  lineStart_ = text_.size();
  if (++lines_ > limits_.maxHeaderCount + 1) return fail(431, "too many fields");
  return Status::kNeedMore;
}

size_t RawHead::countOf(std::string_view name) const {
  return static_cast<size_t>(
      std::count_if(fields.begin(), fields.end(), [&](const RawField& f) { return equalsIgnoreCase(f.name, name); }));
}

std::string_view RawHead::find(std::string_view name) const {
  for (const RawField& field : fields) {
    if (equalsIgnoreCase(field.name, name)) return field.value;
  }
  return {};
}

std::optional<Fault> parseFields(std::string_view text, bool startLine, const CodecLimits& limits,
                                 SectionBudget& budget, RawHead& head) {
  for (bool first = true; !text.empty(); first = false) {
    const size_t end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    if (first && startLine) {
      head.startLine = line;
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return Fault{400, "field without colon"};
    const std::string_view name = line.substr(0, colon);
    if (!isToken(name)) return Fault{400, "field name is no token"};
    const std::string_view value = trim(line.substr(colon + 1));
    budget.size += name.size() + value.size() + kFieldOverhead;
    if (++budget.count > limits.maxHeaderCount) return Fault{431, "too many fields"};
    if (budget.size > limits.maxHeaderListSize) return Fault{431, "header section over the limit"};
    // Gateways that map '-' to '_' (CGI) would take these for the framing fields.
    if (equalsIgnoreCase(name, "content_length") || equalsIgnoreCase(name, "transfer_encoding")) {
      return Fault{400, "field name imitates a framing field"};
    }
    head.fields.push_back({name, value});
  }
  return std::nullopt;
}

std::optional<Fault> parseRequestLine(std::string_view line, RequestLine& out) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return Fault{400, "malformed request line"};
  out.method = line.substr(0, first);
  out.target = line.substr(first + 1, last - first - 1);
  if (!isToken(out.method)) return Fault{400, "method is no token"};
  for (const char c : out.target) {
    const auto u = static_cast<unsigned char>(c);
    if (u <= 0x20 || u >= 0x7f || c == '#') return Fault{400, "illegal character in the request target"};
  }
  if (out.target.empty() || out.target.find("%00") != std::string_view::npos) {
    return Fault{400, "illegal request target"};
  }
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

bool isAuthority(std::string_view text) {
  constexpr std::string_view kMarks = "-._~!$&'()*+;=%";
  const auto regName = [&](char c) {
    return isDigit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || kMarks.find(c) != std::string_view::npos;
  };
  size_t hostEnd = text.find(':');
  if (!text.empty() && text.front() == '[') {
    const size_t close = text.find(']');
    if (close == std::string_view::npos || close == 1) return false;
    const std::string_view inside = text.substr(1, close - 1);
    if (!std::all_of(inside.begin(), inside.end(), [&](char c) { return c == ':' || regName(c); })) return false;
    hostEnd = close + 1 < text.size() ? close + 1 : std::string_view::npos;
  } else {
    const std::string_view host = text.substr(0, hostEnd);
    if (host.empty() || !std::all_of(host.begin(), host.end(), regName)) return false;
  }
  if (hostEnd == std::string_view::npos) return true;
  const std::string_view port = text.substr(hostEnd + 1);
  return text[hostEnd] == ':' && port.size() <= 5 && std::all_of(port.begin(), port.end(), isDigit);
}

}  // namespace peerpulse::http::h1
