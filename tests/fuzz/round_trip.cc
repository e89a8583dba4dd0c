#include "round_trip.h"

#include <memory>
#include <string>

#include "check.h"
#include "codec_users.h"
#include "peerpulse/http/codec.h"

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

/// RFC 8441 5: over HTTP/1.1 it is a GET that asks for an upgrade, and a WebSocket has a key there.
bool isExtendedConnect(const http::RequestHead& head) { return head.method == "CONNECT" && !head.upgrade.empty(); }

bool sameFields(const http::RequestHead& given, const http::RequestHead& heard, bool http2) {
  const std::string fields = endToEnd(heard.headers, http2);
  const std::string expected = endToEnd(given.headers, http2);
  const bool keyed = !http2 && isExtendedConnect(given) && http::equalsIgnoreCase(given.upgrade, "websocket") &&
                     !given.headers.has("sec-websocket-key");
  if (!keyed) return fields == expected;
  return fields.starts_with(expected + "sec-websocket-key:") &&
         fields.find('\n', expected.size()) == fields.size() - 1;
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
  FUZZ_CHECK(heard.method == (!http2 && isExtendedConnect(head) ? "GET" : head.method),
             "the method passes unchanged");
  FUZZ_CHECK(heard.path == head.path, "the path passes unchanged");
  FUZZ_CHECK(heard.authority == head.authority, "the authority passes unchanged");
  FUZZ_CHECK(sameFields(head, heard, http2), "fields pass unchanged");
  FUZZ_CHECK(sameFraming(head, heard), "the length passes unchanged");
  FUZZ_CHECK(heard.upgrade == head.upgrade, "the upgrade passes unchanged");
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
