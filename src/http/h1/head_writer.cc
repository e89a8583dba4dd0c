#include "head_writer.h"

#include <array>
#include <charconv>
#include <optional>
#include <string>

#include <llhttp/llhttp.h>

#include "../field_rules.h"
#include "../websocket.h"
#include "head_text.h"

namespace peerpulse::http::h1 {
namespace {

/// Start line, framing and connection fields, without the parts counted apart.
constexpr size_t kOwnFields = 256;
/// RFC 6455 asks for one, h2 has none. It is to show that an answer is no cached one; ours goes where nothing is cached.
constexpr std::string_view kOurKey = "cGVlcnB1bHNlLXR1bm5lbA==";
constexpr int kMinStatus = 100;
constexpr int kMaxStatus = 999;

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

std::string_view statusLine(int status) {
  static const auto kLines = [] {
    std::array<std::string, kMaxStatus - kMinStatus + 1> lines;
    for (int i = kMinStatus; i <= kMaxStatus; ++i) {
      lines[static_cast<size_t>(i - kMinStatus)] =
          "HTTP/1.1 " + std::to_string(i) + " " + readable(reasonPhrase(i)) + "\r\n";
    }
    return lines;
  }();
  PP_ASSERT(status >= kMinStatus && status <= kMaxStatus);
  return kLines[static_cast<size_t>(status - kMinStatus)];
}

/// The body's length as a head declares it.
struct Declared {
  std::optional<uint64_t> length;
  bool inHeaders = false;
};

Declared declaredLength(const HeaderList& headers, std::optional<uint64_t> fallback) {
  const std::string_view text = headers.find("content-length");
  if (text.data() == nullptr) return {fallback, false};
  return {parseDigits(text), true};
}

/// End-to-end fields; what cannot be a field (response splitting, faults C13) is left out. `keepLength`:
/// whether content-length stays. Returns the value of TE.
std::string_view addFields(HeadText& out, const HeaderList& headers, bool request, bool keepLength) {
  std::string_view te;
  for (size_t i = 0; i < headers.count(); ++i) {
    const HeaderField field = headers.at(i);
    const FieldKind kind = kindOf(field.name);
    switch (kind) {
      case FieldKind::kContentLength:
        if (!keepLength) continue;
        break;
      case FieldKind::kHost:
        if (request) continue;
        break;
      case FieldKind::kTe:
        if (te.data() == nullptr) te = field.value;
        continue;
      default:
        if (isConnectionField(kind)) continue;
    }
    if (isToken(field.name) && isSafeValue(field.value)) out.field(field.name, field.value);
  }
  return te;
}

bool hasBodyByMethod(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

/// The framing of a final response, with the fields that tell it.
SendFraming frameResponse(HeadText& text, const ResponseHead& head, const Declared& declared,
                          const ResponseContext& context, bool end) {
  if (context.headRequest || head.status == 204 || head.status == 304) return {};
  if (declared.length) {
    if (!declared.inHeaders) text.field("content-length", *declared.length);
    return {SendKind::kLength, *declared.length};
  }
  if (end) {
    text.field("content-length", "0");
    return {SendKind::kLength, 0};
  }
  if (context.toHttp10) return {SendKind::kUntilClose, 0};
  text.field("transfer-encoding", "chunked");
  return {SendKind::kChunked, 0};
}

}  // namespace

void HeadText::field(std::string_view name, uint64_t value) {
  std::array<char, 20> digits{};
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  field(name, std::string_view(digits.data(), static_cast<size_t>(end - digits.data())));
}

void writeInformationalHead(OutputQueue& out, const ResponseHead& head) {
  HeadText text(head.headers.listSize() + kOwnFields);
  text.add(statusLine(head.status));
  addFields(text, head.headers, false, false);
  out.text(text.add("\r\n").view());
}

SendFraming writeResponseHead(OutputQueue& out, const ResponseHead& head, const ResponseContext& context, bool end) {
  HeadText text(head.headers.listSize() + head.upgrade.size() + kOwnFields);
  text.add(statusLine(head.status));
  if (head.status == 101) {
    text.field("connection", "upgrade");
    if (isSafeValue(head.upgrade)) text.field("upgrade", head.upgrade);
    addFields(text, head.headers, false, false);
    out.text(text.add("\r\n").view());
    return {SendKind::kTunnel, 0};
  }
  const Declared declared = declaredLength(head.headers, head.contentLength);
  addFields(text, head.headers, false, declared.length.has_value() && head.status != 204);
  const SendFraming framing = frameResponse(text, head, declared, context, end);
  if (!context.keepAlive || framing.kind == SendKind::kUntilClose) {
    text.field("connection", "close");
  } else if (context.toHttp10) {
    text.field("connection", "keep-alive");
  }
  out.text(text.add("\r\n").view());
  return framing;
}

SendFraming writeRequestHead(OutputQueue& out, const RequestHead& head, bool end) {
  HeadText text(head.method.size() + head.path.size() + head.authority.size() + head.headers.listSize() +
                head.upgrade.size() + kOwnFields);
  const bool upgrade = !head.upgrade.empty() && isSafeValue(head.upgrade);
  // An extended CONNECT of h2 (RFC 8441 5) is a GET that asks for an upgrade.
  const bool extended = upgrade && head.method == "CONNECT";
  text.add(extended ? std::string_view("GET") : std::string_view(head.method)).add(" ").add(head.path);
  text.add(" HTTP/1.1\r\n");
  text.field("Host", head.authority);
  // A length of CONNECT means nothing (RFC 9110 9.3.6); of the GET it would make a body of the tunnel's first bytes.
  const Declared declared =
      extended ? Declared{std::nullopt, false} : declaredLength(head.headers, head.contentLength);
  const std::string_view te = addFields(text, head.headers, true, declared.length.has_value());
  const bool teTrailers = equalsIgnoreCase(te, "trailers");
  if (extended && equalsIgnoreCase(head.upgrade, kWebSocket) && !head.headers.has(kWebSocketKey)) {
    text.field(kWebSocketKey, kOurKey);
  }
  if (teTrailers) text.field("TE", "trailers");
  if (upgrade) text.field("Upgrade", head.upgrade);
  if (teTrailers || upgrade) text.field("Connection", teTrailers ? (upgrade ? "TE, Upgrade" : "TE") : "Upgrade");
  SendFraming framing{SendKind::kLength, 0};
  if (declared.length) {
    framing.length = *declared.length;
    if (!declared.inHeaders) text.field("Content-Length", framing.length);
  } else if (!end) {
    framing.kind = SendKind::kChunked;
    text.field("Transfer-Encoding", "chunked");
  } else if (hasBodyByMethod(head.method)) {
    text.field("Content-Length", "0");
  }
  out.text(text.add("\r\n").view());
  return framing;
}

void writeLastChunk(OutputQueue& out, const HeaderList& trailers) {
  HeadText text(trailers.listSize() + kOwnFields);
  text.add("0\r\n");
  for (size_t i = 0; i < trailers.count(); ++i) {
    const HeaderField field = trailers.at(i);
    if (isForbiddenTrailer(kindOf(field.name)) || !isToken(field.name) || !isSafeValue(field.value)) continue;
    text.field(field.name, field.value);
  }
  out.text(text.add("\r\n").view());
}

}  // namespace peerpulse::http::h1
