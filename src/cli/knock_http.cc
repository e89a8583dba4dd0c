#include <array>
#include <cerrno>
#include <memory>
#include <string>

#include "first_bytes.h"
#include "http_client.h"
#include "knocks.h"
#include "peerpulse/http/quiet_client.h"
#include "stream_socket.h"

namespace peerpulse::cli {

namespace {

constexpr size_t kEnough = 4096;

/// An h2 connection of which only the PING's answer, or the answer to one request, is of interest.
class H2Talk final : public http::QuietClientOwner, public http::QuietReceiver {
 public:
  H2Talk() : codec_(http::createH2ClientCodec(*this, {})) {}

  http::ClientCodec& codec() { return *codec_; }
  /// Sends what there is, reads once. False when no more is to come; `bytes` grows by what came, up to kEnough.
  bool step(StreamSocket& socket, const Deadline& deadline, std::string& bytes) {
    Buffer out;
    codec_->produce(out, kEnough);
    while (!out.empty()) {
      if (!socket.send(out.takeFront().view(), deadline)) return false;
    }
    std::array<char, kEnough> block;
    const auto n = socket.receive(block.data(), block.size(), deadline);
    if (!n) timedOut = n.error().code == ETIMEDOUT;
    if (!n || *n == 0) return false;
    if (bytes.size() < kEnough) bytes.append(block.data(), *n);
    return codec_->receive(Slice::copyOf({block.data(), *n})).has_value();
  }

  bool pingAcked = false;
  bool timedOut = false;
  int status = 0;

 private:
  void onPingAck(uint64_t) override { pingAcked = true; }
  void onHeaders(http::ResponseHead&& head) override { status = head.status; }

  std::unique_ptr<http::ClientCodec> codec_;
};

SpeechAnswer askByH2(const SocketAddress& to, uint32_t mark, const Deadline& deadline) {
  const TimePoint began = now();
  auto socket = StreamSocket::connect(to, deadline, mark);
  if (!socket) return {.kind = SpeechAnswer::Kind::kSilent};
  const auto talk = std::make_unique<H2Talk>();
  talk->codec().submitPing(1);
  std::string bytes;
  while (!talk->pingAcked && talk->step(*socket, deadline, bytes)) {
  }
  if (talk->pingAcked) return {.kind = SpeechAnswer::Kind::kHttp2, .took = now() - began};
  if (bytes.empty() && talk->timedOut) return {.kind = SpeechAnswer::Kind::kSilent};
  // An error's text may come in a piece of its own.
  std::array<char, kEnough> block;
  for (const Deadline rest(milliseconds(100)); bytes.starts_with("HTTP/1.") && bytes.size() < kEnough;) {
    const auto n = socket->receive(block.data(), block.size(), rest);
    if (!n || *n == 0) break;
    bytes.append(block.data(), *n);
  }
  return {.kind = speechOf(bytes), .status = statusOf(bytes), .took = now() - began};
}

SpeechAnswer askByH1(const SocketAddress& to, uint32_t mark, const Deadline& deadline) {
  const TimePoint began = now();
  auto socket = StreamSocket::connect(to, deadline, mark);
  if (!socket) return {.kind = SpeechAnswer::Kind::kSilent};
  const std::string request = "OPTIONS * HTTP/1.1\r\nHost: " + to.toString() + "\r\nConnection: close\r\n\r\n";
  if (!socket->send(request, deadline)) return {.kind = SpeechAnswer::Kind::kClosed};
  std::string bytes;
  std::array<char, kEnough> block;
  while (bytes.size() < kEnough) {
    const auto n = socket->receive(block.data(), block.size(), deadline);
    if (!n && n.error().code == ETIMEDOUT && bytes.empty()) return {.kind = SpeechAnswer::Kind::kSilent};
    if (!n || *n == 0) break;
    bytes.append(block.data(), *n);
  }
  return {.kind = speechOf(bytes), .status = statusOf(bytes), .took = now() - began};
}

HealthAnswer healthByH2(const SocketAddress& to, const HttpRequest& request, uint32_t mark,
                        const Deadline& deadline) {
  auto socket = StreamSocket::connect(to, deadline, mark);
  if (!socket) return {.asked = true, .error = socket.error().message};
  const auto talk = std::make_unique<H2Talk>();
  http::RequestHead head;
  head.method = request.method;
  head.authority = request.authority;
  head.path = request.path;
  talk->codec().openStream(*talk).sendHeaders(head, true);
  std::string bytes;
  while (talk->status == 0 && talk->step(*socket, deadline, bytes)) {
  }
  const char* error = talk->status != 0 ? "" : talk->timedOut ? "no answer in time" : "the connection ended";
  return {.asked = true, .status = talk->status, .error = error};
}

}  // namespace

SpeechAnswer knockByHttp(const SocketAddress& to, uint32_t mark) {
  const SpeechAnswer h2 = askByH2(to, mark, Deadline(kSpeechPatience));
  switch (h2.kind) {
    case SpeechAnswer::Kind::kHttp2:
    case SpeechAnswer::Kind::kHttp1:
    case SpeechAnswer::Kind::kTls: return h2;
    default: break;
  }
  const SpeechAnswer h1 = askByH1(to, mark, Deadline(kSpeechPatience));
  // Whoever ended the connection at the preface has said more than by being silent now.
  return h1.kind == SpeechAnswer::Kind::kSilent && h2.kind != SpeechAnswer::Kind::kSilent ? h2 : h1;
}

HealthAnswer knockByHealthPath(const SocketAddress& to, const std::string& path, bool http2, uint32_t mark) {
  HttpRequest request;
  request.path = path;
  request.authority = to.toString();
  const Deadline deadline(kSpeechPatience);
  if (http2) return healthByH2(to, request, mark, deadline);
  const auto response = httpRequest(to, request, deadline, mark);
  if (!response) return {.asked = true, .error = response.error().message};
  return {.asked = true, .status = response->status, .error = {}};
}

}  // namespace peerpulse::cli
