#include "round_trip.h"

#include <memory>
#include <string>

#include "check.h"
#include "codec_users.h"
#include "field_rules.h"
#include "peerpulse/http/codec.h"
#include "websocket.h"

namespace peerpulse::fuzz {
namespace {

/// What writing adds (framing, Host) must not push it over a limit.
http::CodecLimits generous() {
  http::CodecLimits limits;
  limits.maxHeaderCount *= 2;
  limits.maxHeaderFieldSize *= 2;
  limits.maxHeaderListSize *= 2;
  limits.maxRequestLineSize *= 2;
  return limits;
}

/// The fields that pass unchanged, names in lower case; framing, TE and HTTP2-Settings are each hop's own.
std::string endToEnd(const http::HeaderList& fields, bool http2) {
  std::string text;
  for (size_t i = 0; i < fields.count(); ++i) {
    const http::HeaderField field = fields.at(i);
    if (http::equalsIgnoreCase(field.name, "te") || http::equalsIgnoreCase(field.name, "content-length") ||
        http::equalsIgnoreCase(field.name, "http2-settings"))
      continue;
    // h2 joins the crumbs of cookies; a response's Host means nothing.
    if (http2 && (http::equalsIgnoreCase(field.name, "cookie") || http::equalsIgnoreCase(field.name, "host")))
      continue;
    for (const char c : field.name)
      text.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    text.append(":").append(field.value).append("\n");
  }
  return text;
}

template <class Head>
bool sameFraming(const Head& given, const Head& heard) {
  if (given.contentLength) return heard.contentLength == given.contentLength;
  return !heard.contentLength || *heard.contentLength == 0;
}

/// What the other side shall hear of it. A tunnel is an extended CONNECT in HTTP/2 and an upgraded GET in HTTP/1.1, where a
/// WebSocket has a key (RFC 8441 5); an upgrade that an extended CONNECT cannot say is no more than its request.
struct Told {
  std::string method;
  std::string upgrade;
  std::string fields;
  bool keyed = false;   ///< with a Sec-WebSocket-Key behind the fields
  bool tunnel = false;  ///< a length means nothing
};

Told toldOf(const http::RequestHead& given, bool http2) {
  Told told{given.method, given.upgrade, endToEnd(given.headers, http2)};
  if (given.upgrade.empty()) return told;
  const bool extended = given.method == "CONNECT";
  const bool webSocket = http::equalsIgnoreCase(given.upgrade, http::kWebSocket);
  told.tunnel = extended;
  if (http2 && extended && webSocket) told.upgrade = http::kWebSocket;
  if (!http2) {
    if (extended) told.method = "GET";
    told.keyed = extended && webSocket && !given.headers.has(http::kWebSocketKey);
  } else if (!extended && given.method == "GET" && given.complete && http::isToken(given.upgrade)) {
    told.method = "CONNECT";
    told.tunnel = true;
    if (webSocket) {
      told.upgrade = http::kWebSocket;
      http::HeaderList rest = given.headers;
      rest.remove(http::kWebSocketKey);
      told.fields = endToEnd(rest, http2);
    }
  } else if (!extended) {
    told.upgrade.clear();
  }
  return told;
}

bool sameFields(const Told& told, const std::string& fields) {
  if (!told.keyed) return fields == told.fields;
  return fields.starts_with(told.fields + "sec-websocket-key:") &&
         fields.find('\n', told.fields.size()) == fields.size() - 1;
}

/// As upstream/ does it: a request of HTTP/1.0 may name no host, and a peer is asked by its address then.
void checkRequest(http::RequestHead head, bool http2) {
  if (head.authority.empty()) head.authority = "10.0.0.2:9000";
  SteadyClient sender;
  SteadyServer reader(SteadyServer::Answer::kNone);
  const auto client =
      http2 ? http::createH2ClientCodec(sender, generous()) : http::createH1ClientCodec(sender, generous());
  const auto server =
      http2 ? http::createH2ServerCodec(reader, generous()) : http::createH1ServerCodec(reader, generous());
  // A tunnel waits for the server to say that it takes some.
  if (http2 && !head.upgrade.empty())
    FUZZ_CHECK(client->receive(Slice::copyOf(output(*server))), "our own settings are good ones");
  sender.send(*client, head, head.complete);
  const std::string wire = output(*client);
  const Result<void> taken = server->receive(Slice::copyOf(wire));
  FUZZ_CHECK(taken, "a head that was taken is legal when it is sent on");
  FUZZ_CHECK(reader.heads.size() == 1 && reader.exchanges.size() == 1, "one head in, one head out");
  const http::RequestHead& heard = reader.heads.front();
  const Told told = toldOf(head, http2);
  FUZZ_CHECK(heard.method == told.method, "the method passes unchanged");
  FUZZ_CHECK(heard.path == head.path, "the path passes unchanged");
  FUZZ_CHECK(heard.authority == head.authority, "the authority passes unchanged");
  FUZZ_CHECK(sameFields(told, endToEnd(heard.headers, http2)), "fields pass unchanged");
  FUZZ_CHECK(told.tunnel || sameFraming(head, heard), "the length passes unchanged");
  FUZZ_CHECK(heard.upgrade == told.upgrade, "the upgrade passes unchanged");
  client->connectionLost("");
  server->connectionLost("");
}

void checkResponse(const http::ResponseHead& head, bool http2) {
  class Answering final : public http::ServerCodecOwner, public http::Receiver {
   public:
    explicit Answering(const http::ResponseHead& head) : head_(head) {}
    void onOutputReady() override {}
    http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&&) override {
      stream.sendHeaders(head_, head_.complete);
      return this;
    }
    http::Receiver* onBadRequest(http::ResponseStream& stream, int, std::string_view) override {
      FUZZ_CHECK(false, "our own request is a good one");
      stream.reset(http::ResetReason::kInternal);
      return this;
    }
    void onData(Slice) override {}
    void onTrailers(http::HeaderList&&) override {}
    void onEnd() override {}
    void onBodySent(size_t) override {}
    void onClosed() override {}
    void onReset(http::ResetReason, std::string_view) override {}

   private:
    const http::ResponseHead& head_;
  };
  http::RequestHead request;
  request.method = "GET";
  request.path = "/";
  request.authority = "a";
  request.complete = true;
  SteadyClient reader;
  Answering writer(head);
  const auto client =
      http2 ? http::createH2ClientCodec(reader, generous()) : http::createH1ClientCodec(reader, generous());
  const auto server =
      http2 ? http::createH2ServerCodec(writer, generous()) : http::createH1ServerCodec(writer, generous());
  reader.send(*client, request, true);
  FUZZ_CHECK(server->receive(Slice::copyOf(output(*client))), "our own request is a good one");
  FUZZ_CHECK(client->receive(Slice::copyOf(output(*server))), "a head that was taken is legal when it is sent on");
  const auto& heads = reader.exchanges.front()->heads;
  FUZZ_CHECK(heads.size() == 1, "one head in, one head out");
  FUZZ_CHECK(heads.front().status == head.status, "the status passes unchanged");
  FUZZ_CHECK(endToEnd(heads.front().headers, http2) == endToEnd(head.headers, http2), "fields pass unchanged");
  client->connectionLost("");
  server->connectionLost("");
}

}  // namespace

void checkOverH1(const http::RequestHead& head) { checkRequest(head, false); }
void checkOverH2(const http::RequestHead& head) { checkRequest(head, true); }
void checkOverH1(const http::ResponseHead& head) { checkResponse(head, false); }
void checkOverH2(const http::ResponseHead& head) { checkResponse(head, true); }

}  // namespace peerpulse::fuzz
