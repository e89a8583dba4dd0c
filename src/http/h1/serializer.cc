#include "serializer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <llhttp/llhttp.h>

#include "../field_rules.h"

namespace peerpulse::http::h1 {
namespace {

const char* reasonPhrase(int status) {
  switch (status) {
#define PEERPULSE_REASON(number, name, string) \
  case number: return #string;
    HTTP_STATUS_MAP(PEERPULSE_REASON)
#undef PEERPULSE_REASON
    default: return "Unknown";
  }
}

/// "NON_AUTHORITATIVE_INFORMATION" -> "Non Authoritative Information"; the phrase means nothing to machines.
std::string readable(std::string_view constant) {
  std::string text(constant);
  if (text == "OK") return text;
  bool start = true;
  for (char& c : text) {
    if (c == '_') {
      c = ' ';
    } else if (!start && c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
    start = c == ' ';
  }
  return text;
}

bool safeValue(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void addField(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

/// End-to-end fields; what cannot be a field (response splitting, faults C13) is left out.
void addFields(std::string& out, const HeaderList& headers, bool request, bool keepLength) {
  for (size_t i = 0; i < headers.count(); ++i) {
    const HeaderField field = headers.at(i);
    if (isConnectionField(field.name) || !isToken(field.name) || !safeValue(field.value)) continue;
    if (equalsIgnoreCase(field.name, "content-length") && !keepLength) continue;
    if (request && equalsIgnoreCase(field.name, "host")) continue;
    if (equalsIgnoreCase(field.name, "te")) continue;
    addField(out, field.name, field.value);
  }
}

std::string statusLine(int status) {
  return "HTTP/1.1 " + std::to_string(status) + " " + readable(reasonPhrase(status)) + "\r\n";
}

std::optional<uint64_t> declaredLength(const HeaderList& headers, std::optional<uint64_t> fallback) {
  const std::string_view text = headers.find("content-length");
  return text.data() == nullptr ? fallback : parseDigits(text);
}

bool hasBodyByMethod(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

}  // namespace

bool MessageWriter::data(OutputQueue& out, Slice slice) {
  if (broken_) return false;
  switch (kind_) {
    case SendKind::kNone: break;
    case SendKind::kLength:
      if (slice.size() > left_) {
        broken_ = true;
        return false;
      }
      left_ -= slice.size();
      out.body(std::move(slice));
      break;
    case SendKind::kChunked: {
      if (slice.empty()) break;
      std::array<char, 18> line{};
      char* end = std::to_chars(line.data(), line.data() + 16, slice.size(), 16).ptr;
      *end++ = '\r';
      *end++ = '\n';
      out.text({line.data(), static_cast<size_t>(end - line.data())});
      out.body(std::move(slice));
      out.text("\r\n");
      break;
    }
    case SendKind::kUntilClose:
    case SendKind::kTunnel: out.body(std::move(slice)); break;
  }
  return true;
}

bool MessageWriter::end(OutputQueue& out, const HeaderList& trailers) {
  if (broken_ || (kind_ == SendKind::kLength && left_ > 0)) {
    broken_ = true;
    return false;
  }
  if (kind_ != SendKind::kChunked) return true;
  std::string last = "0\r\n";
  for (size_t i = 0; i < trailers.count(); ++i) {
    const HeaderField field = trailers.at(i);
    if (isForbiddenTrailer(field.name) || !isToken(field.name) || !safeValue(field.value)) continue;
    addField(last, field.name, field.value);
  }
  out.text(last.append("\r\n"));
  return true;
}

std::string informationalHead(const ResponseHead& head) {
  std::string text = statusLine(head.status);
  addFields(text, head.headers, false, false);
  return text.append("\r\n");
}

std::string responseHead(const ResponseHead& head, const ResponseContext& context, bool end, SendKind& kind,
                         uint64_t& length) {
  std::string text = statusLine(head.status);
  length = 0;
  if (head.status == 101) {
    kind = SendKind::kTunnel;
    addField(text, "connection", "upgrade");
    if (safeValue(head.upgrade)) addField(text, "upgrade", head.upgrade);
    addFields(text, head.headers, false, false);
    return text.append("\r\n");
  }
  const bool bodyless = context.headRequest || head.status == 204 || head.status == 304;
  const auto declared = declaredLength(head.headers, head.contentLength);
  addFields(text, head.headers, false, declared.has_value() && head.status != 204);
  bool keepAlive = context.keepAlive;
  if (bodyless) {
    kind = SendKind::kNone;
  } else if (declared) {
    kind = SendKind::kLength;
    length = *declared;
    if (!head.headers.has("content-length")) addField(text, "content-length", std::to_string(length));
  } else if (end) {
    kind = SendKind::kLength;
    addField(text, "content-length", "0");
  } else if (context.toHttp10) {
    kind = SendKind::kUntilClose;
    keepAlive = false;
  } else {
    kind = SendKind::kChunked;
    addField(text, "transfer-encoding", "chunked");
  }
  if (!keepAlive) {
    addField(text, "connection", "close");
  } else if (context.toHttp10) {
    addField(text, "connection", "keep-alive");
  }
  return text.append("\r\n");
}

std::string requestHead(const RequestHead& head, bool end, SendKind& kind, uint64_t& length) {
  std::string text;
  text.append(head.method).append(" ").append(head.path).append(" HTTP/1.1\r\n");
  addField(text, "Host", head.authority);
  const auto declared = declaredLength(head.headers, head.contentLength);
  addFields(text, head.headers, true, declared.has_value());
  const bool teTrailers = equalsIgnoreCase(head.headers.find("te"), "trailers");
  const bool upgrade = !head.upgrade.empty() && safeValue(head.upgrade);
  if (teTrailers) addField(text, "TE", "trailers");
  if (upgrade) addField(text, "Upgrade", head.upgrade);
  if (teTrailers || upgrade) {
    addField(text, "Connection", teTrailers ? (upgrade ? "TE, Upgrade" : "TE") : "Upgrade");
  }
  length = 0;
  kind = SendKind::kLength;
  if (declared) {
    length = *declared;
    if (!head.headers.has("content-length")) addField(text, "Content-Length", std::to_string(length));
  } else if (!end) {
    kind = SendKind::kChunked;
    addField(text, "Transfer-Encoding", "chunked");
  } else if (hasBodyByMethod(head.method)) {
    addField(text, "Content-Length", "0");
  }
  return text.append("\r\n");
}

}  // namespace peerpulse::http::h1
