#include "local_reply.h"

#include "peerpulse/log/log.h"

namespace peerpulse::proxy {

namespace {

// RFC 8941 strings take printable ASCII with \ and " escaped; anything else becomes '?'.
std::string structuredString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c >= 0x20 && c <= 0x7e ? c : '?';
  }
  return out + "\"";
}

// grpc-message is percent-encoded (gRPC over HTTP/2, "Responses").
std::string percentEncoded(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7e && c != '%') {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

std::string proxyStatus(const upstream::Failure& failure, const LocalReplyContext& context) {
  std::string value = "peerpulse; error=";
  value += info(failure.type).name;
  if (!context.peer.empty()) value += "; next-hop=" + structuredString(context.peer);
  return value + "; details=" + structuredString(failure.detail);
}

std::string problemDocument(const upstream::Failure& failure, const LocalReplyContext& context, int status) {
  log::Fields fields;
  fields.add("type", "about:blank")
      .add("title", info(failure.type).name)
      .add("status", status)
      .add("detail", failure.detail)
      .add("peer", context.peer)
      .add("verdict", health::toString(context.word.verdict))
      .add("circuit", health::toString(context.word.circuit))
      .add("reason", health::toString(context.word.reason))
      .add("since", formatRfc3339(context.since));
  return "{" + fields.json().substr(1) + "}\n";
}

}  // namespace

LocalReply makeLocalReply(const upstream::Failure& failure, const LocalReplyContext& context, bool grpc) {
  LocalReply reply;
  const upstream::ErrorInfo& error = info(failure.type);
  if (grpc) {
    reply.head.status = 200;
    reply.head.headers.add("content-type", "application/grpc");
    reply.head.headers.add("grpc-status", std::to_string(error.grpcStatus));
    reply.head.headers.add("grpc-message", percentEncoded(failure.detail));
    reply.head.headers.add("proxy-status", proxyStatus(failure, context));
    return reply;
  }
  reply.head.status = failure.status != 0 ? failure.status : error.status;
  reply.body = problemDocument(failure, context, reply.head.status);
  reply.head.contentLength = reply.body.size();
  reply.head.headers.add("content-type", "application/problem+json");
  reply.head.headers.add("content-length", std::to_string(reply.body.size()));
  reply.head.headers.add("proxy-status", proxyStatus(failure, context));
  if (reply.head.status == 503) reply.head.headers.add("retry-after", "1");
  return reply;
}

LocalReply makeHopReply() {
  LocalReply reply;
  reply.head.status = 200;
  reply.head.contentLength = 0;
  reply.head.headers.add("content-length", "0");
  reply.head.headers.add("proxy-status", R"(peerpulse; details="Max-Forwards: 0")");
  return reply;
}

WallTime sinceOf(const health::CircuitWord& word, TimePoint now, WallTime wallNow) {
  const auto nowMillis =
      static_cast<uint32_t>(std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count());
  return wallNow - milliseconds(static_cast<uint32_t>(nowMillis - word.sinceMillis));  // modulo 2^32
}

}  // namespace peerpulse::proxy
