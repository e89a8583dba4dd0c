#include "head_parser.h"

#include <algorithm>
#include <string>
#include <vector>

#include "../field_rules.h"

namespace peerpulse::http::h1 {
namespace {

/// Elements of all fields of that name, comma separated, without empty ones.
std::vector<std::string_view> elements(const RawHead& head, std::string_view name) {
  std::vector<std::string_view> out;
  for (const RawField& field : head.fields) {
    if (!equalsIgnoreCase(field.name, name)) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const size_t comma = rest.find(',');
      std::string_view one = rest.substr(0, comma);
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
      while (!one.empty() && (one.front() == ' ' || one.front() == '\t'))
        one.remove_prefix(1);
      while (!one.empty() && (one.back() == ' ' || one.back() == '\t'))
        one.remove_suffix(1);
      if (!one.empty()) out.push_back(one);
    }
  }
  return out;
}

bool contains(const std::vector<std::string_view>& list, std::string_view wanted) {
  return std::any_of(list.begin(), list.end(), [&](std::string_view e) { return equalsIgnoreCase(e, wanted); });
}

struct ConnectionOptions {
  std::vector<std::string_view> named;
  bool close = false;
  bool keepAlive = false;
  bool upgrade = false;
};

std::optional<Fault> parseConnection(const RawHead& head, ConnectionOptions& out) {
  out.named = elements(head, "connection");
  for (const std::string_view option : out.named) {
    if (!isToken(option)) return Fault{400, "malformed Connection"};
    for (const std::string_view kept : {"host", "content-length", "transfer-encoding", "authorization"}) {
      // Stripping these would change the message's framing, target or credentials (faults C4).
      if (equalsIgnoreCase(option, kept)) return Fault{400, "Connection names a field that must stay"};
    }
  }
  out.close = contains(out.named, "close");
  out.keepAlive = contains(out.named, "keep-alive");
  out.upgrade = contains(out.named, "upgrade");
  return std::nullopt;
}

std::optional<Fault> parseLengths(const RawHead& head, Version version, Framing& out) {
  const size_t lengths = head.countOf("content-length");
  const size_t codings = head.countOf("transfer-encoding");
  if (codings > 0) {
    if (lengths > 0) return Fault{400, "Content-Length together with Transfer-Encoding"};
    if (version == Version::kHttp10) return Fault{400, "Transfer-Encoding in HTTP/1.0"};
    const std::string_view coding = head.find("transfer-encoding");
    if (codings > 1) return Fault{400, "several Transfer-Encoding fields"};
    if (!equalsIgnoreCase(coding, "chunked")) {
      if (isToken(coding)) return Fault{501, "unknown transfer coding"};
      return Fault{400, "malformed Transfer-Encoding"};
    }
    out.kind = BodyKind::kChunked;
    return std::nullopt;
  }
  if (lengths == 0) return std::nullopt;
  const std::string_view text = head.find("content-length");
  const auto length = parseDigits(text);
  if (lengths > 1 || !length || (text.size() > 1 && text.front() == '0')) {
    return Fault{400, "malformed Content-Length"};
  }
  out.length = *length;
  out.kind = *length > 0 ? BodyKind::kLength : BodyKind::kNone;
  return std::nullopt;
}

/// Everything that is not about this connection alone.
void copyEndToEnd(const RawHead& head, const ConnectionOptions& connection, bool request, HeaderList& out) {
  for (const RawField& field : head.fields) {
    if (isConnectionField(field.name) || equalsIgnoreCase(field.name, "te")) continue;
    if (request && equalsIgnoreCase(field.name, "host")) continue;
    if (contains(connection.named, field.name)) continue;
    out.add(field.name, field.value);
  }
  if (request && contains(elements(head, "te"), "trailers")) out.add("te", "trailers");
}

/// Protocols asked for or switched to, without h2c: prior knowledge only (faults C11).
std::string upgradeOf(const RawHead& head, const ConnectionOptions& connection) {
  std::string protocols;
  if (!connection.upgrade) return protocols;
  for (const std::string_view protocol : elements(head, "upgrade")) {
    if (equalsIgnoreCase(protocol, "h2c") || equalsIgnoreCase(protocol, "h2")) continue;
    if (!protocols.empty()) protocols.append(", ");
    protocols.append(protocol);
  }
  return protocols;
}

std::optional<Fault> parseTarget(const RequestLine& line, const RawHead& raw, RequestHead& head) {
  const size_t hosts = raw.countOf("host");
  if (hosts > 1) return Fault{400, "several Host fields"};
  if (hosts == 0 && line.version == Version::kHttp11) return Fault{400, "no Host field"};
  const std::string_view host = raw.find("host");
  if (hosts == 1 && !isAuthority(host)) return Fault{400, "malformed Host"};
  head.authority = host;
  std::string_view target = line.target;
  if (target.front() == '/') {
    head.path = target;
    return std::nullopt;
  }
  if (target == "*") {
    if (line.method != "OPTIONS") return Fault{400, "asterisk-form without OPTIONS"};
    head.path = target;
    return std::nullopt;
  }
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
  if (hosts == 1 && !equalsIgnoreCase(authority, host)) return Fault{400, "Host differs from the request target"};
  head.authority = authority;
  head.path = end == std::string_view::npos ? "/" : std::string(target.substr(end));
  if (head.path.front() == '?') head.path.insert(0, "/");
  return std::nullopt;
}

}  // namespace

std::optional<Fault> parseRequest(std::string_view text, const CodecLimits& limits, ParsedRequest& out) {
  RawHead raw;
  RequestLine line;
  ConnectionOptions connection;
  const size_t end = text.find("\r\n");
  if (auto fault = parseRequestLine(text.substr(0, end), line)) return fault;
  if (auto fault = parseFields(text, true, limits, out.budget, raw)) return fault;
  if (auto fault = parseConnection(raw, connection)) return fault;
  if (auto fault = parseLengths(raw, line.version, out.framing)) return fault;
  out.head.method = line.method;
  out.head.version = line.version;
  if (line.method == "CONNECT") return Fault{405, "CONNECT is not supported"};
  if (auto fault = parseTarget(line, raw, out.head)) return fault;
  if (raw.countOf("expect") > 0) {
    if (!equalsIgnoreCase(raw.find("expect"), "100-continue")) return Fault{417, "unknown expectation"};
    out.expectContinue = line.version == Version::kHttp11;
  }
  if (line.version == Version::kHttp11) out.head.upgrade = upgradeOf(raw, connection);
  out.framing.keepAlive =
      line.version == Version::kHttp11 ? !connection.close : connection.keepAlive && !connection.close;
  copyEndToEnd(raw, connection, true, out.head.headers);
  out.head.contentLength = parseDigits(raw.find("content-length"));
  out.head.complete = out.framing.bodyless();
  return std::nullopt;
}

std::optional<Fault> parseResponse(std::string_view text, const CodecLimits& limits, bool headRequest, bool upgrade,
                                   ParsedResponse& out) {
  RawHead raw;
  StatusLine line;
  ConnectionOptions connection;
  const size_t end = text.find("\r\n");
  if (auto fault = parseStatusLine(text.substr(0, end), line)) return fault;
  if (auto fault = parseFields(text, true, limits, out.budget, raw)) return fault;
  if (auto fault = parseConnection(raw, connection)) return fault;
  Framing& framing = out.framing;
  if (auto fault = parseLengths(raw, line.version, framing)) return fault;
  out.head.status = line.status;
  framing.keepAlive =
      line.version == Version::kHttp11 ? !connection.close : connection.keepAlive && !connection.close;
  const bool lengthKnown = raw.countOf("content-length") > 0 || framing.kind == BodyKind::kChunked;
  if (line.status == 101) {
    out.head.upgrade = upgradeOf(raw, connection);
    if (!upgrade || out.head.upgrade.empty()) return Fault{502, "101 that was not asked for"};
    framing.kind = BodyKind::kTunnel;
  } else if (line.status < 200 || line.status == 204 || line.status == 304 || headRequest) {
    // A length here has no bytes behind it; with 1xx and 204 it must not be there (RFC 9110 8.6).
    if (line.status <= 204 && !headRequest && framing.kind != BodyKind::kNone) framing.keepAlive = false;
    framing.kind = BodyKind::kNone;
  } else if (!lengthKnown) {
    framing.kind = BodyKind::kUntilClose;
    framing.keepAlive = false;
  }
  copyEndToEnd(raw, connection, false, out.head.headers);
  out.head.contentLength = parseDigits(raw.find("content-length"));
  out.head.complete = framing.bodyless();
  return std::nullopt;
}

std::optional<Fault> parseTrailers(std::string_view text, const CodecLimits& limits, SectionBudget budget,
                                   HeaderList& out) {
  RawHead raw;
  if (auto fault = parseFields(text, false, limits, budget, raw)) return fault;
  for (const RawField& field : raw.fields) {
    if (!isForbiddenTrailer(field.name)) out.add(field.name, field.value);
  }
  return std::nullopt;
}

}  // namespace peerpulse::http::h1
