#include "head_parser.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "../field_rules.h"
#include "../target_rules.h"
#include "start_line.h"

namespace peerpulse::http::h1 {
namespace {

/// The first line, which leaves `lines`; what remains are the fields, whose room is made in `fields`.
std::string_view takeStartLine(SectionLines& lines, HeaderList& fields) {
  const std::string_view line = lines.text.substr(0, lines.text.find('\r'));
  lines.text.remove_prefix(line.size() + 2);
  fields.reserve(lines.count, lines.text.size());
  return line;
}

std::optional<Fault> parseFraming(const Section& section, Version version, Framing& out) {
  const SingleField& length = section.contentLength;
  const SingleField& coding = section.transferEncoding;
  out.keepAlive = version == Version::kHttp11 ? !section.connection.close
                                              : section.connection.keepAlive && !section.connection.close;
  if (coding.count > 0) {
    if (length.count > 0) return Fault{400, "Content-Length together with Transfer-Encoding"};
    if (version == Version::kHttp10) return Fault{400, "Transfer-Encoding in HTTP/1.0"};
    if (coding.count > 1) return Fault{400, "several Transfer-Encoding fields"};
    if (!equalsIgnoreCase(coding.value, "chunked")) {
      if (isToken(coding.value)) return Fault{501, "unknown transfer coding"};
      return Fault{400, "malformed Transfer-Encoding"};
    }
    out.kind = BodyKind::kChunked;
    return std::nullopt;
  }
  if (length.count == 0) return std::nullopt;
  const auto value = parseDigits(length.value);
  if (length.count > 1 || !value || (length.value.size() > 1 && length.value.front() == '0')) {
    return Fault{400, "malformed Content-Length"};
  }
  out.length = *value;
  out.kind = *value > 0 ? BodyKind::kLength : BodyKind::kNone;
  return std::nullopt;
}

/// "http://authority/path?query": its authority takes the place of what Host says (RFC 9112 3.2.2).
std::optional<Fault> parseAbsolute(std::string_view target, RequestHead& head) {
  const size_t mark = target.find("://");
  if (mark == std::string_view::npos) return Fault{400, "malformed request target"};
  const std::string_view scheme = target.substr(0, mark);
  if (!equalsIgnoreCase(scheme, "http") && !equalsIgnoreCase(scheme, "https")) {
    return Fault{400, "unknown scheme"};
  }
  target.remove_prefix(mark + 3);
  const size_t end = target.find_first_of("/?");
  const std::string_view authority = target.substr(0, end);
  if (!isAuthority(authority)) return Fault{400, "malformed authority"};
  head.authority = authority;
  head.path = end == std::string_view::npos ? "/" : std::string(target.substr(end));
  if (head.path.front() == '?') head.path.insert(0, "/");
  return std::nullopt;
}

std::optional<Fault> parseTarget(const RequestLine& line, const SingleField& host, RequestHead& head) {
  if (host.count > 1) return Fault{400, "several Host fields"};
  if (host.count == 0 && line.version == Version::kHttp11) return Fault{400, "no Host field"};
  if (host.count == 1 && !isAuthority(host.value)) return Fault{400, "malformed Host"};
  if (line.target.front() != '/' && line.target != "*") return parseAbsolute(line.target, head);
  if (line.target == "*" && line.method != "OPTIONS") return Fault{400, "asterisk-form without OPTIONS"};
  head.authority = host.value;
  head.path = line.target;
  return std::nullopt;
}

std::optional<uint64_t> declaredLength(const Section& section, const Framing& framing) {
  return section.contentLength.count > 0 ? std::optional<uint64_t>(framing.length) : std::nullopt;
}

/// What Swift takes for true (swift.common.utils, config_true_value).
bool saysYes(std::string_view value) {
  constexpr std::array<std::string_view, 6> kYes = {"yes", "true", "1", "on", "t", "y"};
  return std::any_of(kYes.begin(), kYes.end(),
                     [value](std::string_view yes) { return equalsIgnoreCase(value, yes); });
}

}  // namespace

std::optional<Fault> parseRequest(SectionLines lines, const CodecLimits& limits, ParsedRequest& out) {
  Section section;
  RequestLine line;
  RequestHead& head = out.head;
  if (auto fault = parseRequestLine(takeStartLine(lines, head.headers), line)) return fault;
  if (auto fault = parseHeaderLines(lines.text, SectionOf::kRequest, limits, out.budget, section, head.headers)) {
    return fault;
  }
  if (auto fault = parseFraming(section, line.version, out.framing)) return fault;
  if (line.method == "CONNECT") return Fault{405, "CONNECT is not supported"};
  if (line.method == "TRACE")
    return Fault{405, "TRACE is not supported"};  // it would give back what the client may not know
  if (auto fault = parseTarget(line, section.host, head)) return fault;
  if (section.expect.count > 0) {
    if (!equalsIgnoreCase(section.expect.value, "100-continue")) return Fault{417, "unknown expectation"};
    out.expectContinue = line.version == Version::kHttp11;
    if (!out.expectContinue) head.headers.remove("expect");  // of a 1.0 client it means nothing (RFC 9110 10.1.1)
  }
  if (line.version == Version::kHttp11) head.upgrade = std::move(section.upgrade);
  head.method = line.method;
  head.version = line.version;
  head.contentLength = declaredLength(section, out.framing);
  head.complete = out.framing.bodyless();
  head.secondBody = out.expectContinue && out.framing.kind == BodyKind::kChunked && head.upgrade.empty() &&
                    saysYes(head.headers.find("x-backend-obj-multiphase-commit"));
  return std::nullopt;
}

std::optional<Fault> parseResponse(SectionLines lines, const CodecLimits& limits, Asked asked, ParsedResponse& out) {
  Section section;
  StatusLine line;
  ResponseHead& head = out.head;
  Framing& framing = out.framing;
  if (auto fault = parseStatusLine(takeStartLine(lines, head.headers), line)) return fault;
  if (auto fault = parseHeaderLines(lines.text, SectionOf::kResponse, limits, out.budget, section, head.headers)) {
    return fault;
  }
  if (auto fault = parseFraming(section, line.version, framing)) return fault;
  const bool lengthKnown = section.contentLength.count > 0 || framing.kind == BodyKind::kChunked;
  if (line.status == 101) {
    head.upgrade = std::move(section.upgrade);
    if (!asked.upgrade || head.upgrade.empty()) return Fault{502, "101 that was not asked for"};
    framing.kind = BodyKind::kTunnel;
  } else if (line.status < 200 || line.status == 204 || line.status == 304 || asked.head) {
    // A length here has no bytes behind it; with 1xx and 204 it must not be there (RFC 9110 8.6).
    if (line.status <= 204 && !asked.head && !framing.bodyless()) framing.keepAlive = false;
    framing.kind = BodyKind::kNone;
  } else if (!lengthKnown) {
    framing.kind = BodyKind::kUntilClose;
    framing.keepAlive = false;
  }
  head.status = line.status;
  head.contentLength = declaredLength(section, framing);
  head.complete = framing.bodyless();
  return std::nullopt;
}

}  // namespace peerpulse::http::h1
