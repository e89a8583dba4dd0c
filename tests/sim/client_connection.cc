#include "client_connection.h"

#include <algorithm>
#include <string>
#include <utility>

namespace peerpulse::sim {

ClientConnection::ClientConnection(LocalClient& client, const ConnectionPlan& plan)
    : client_(client),
      plan_(plan),
      left_(plan.requests),
      timer_(client.host().loop.createTimer([this] { beat(); })),
      wire_(client.host().io, client.listener(), {}, makeCodec(plan.http2), *this) {}

ClientConnection::~ClientConnection() = default;

std::unique_ptr<http::ClientCodec> ClientConnection::makeCodec(bool http2) {
  auto codec = http2 ? http::createH2ClientCodec(*this, {}) : http::createH1ClientCodec(*this, {});
  codec_ = codec.get();
  return codec;
}

void ClientConnection::onReady() {
  ready_ = true;
  if (plan_.metronome > Duration::zero()) timer_->enable(Duration::zero());
}

// The timer: a thinking pause is over, or it is time for the next beat of a metronome.
void ClientConnection::beat() {
  thinking_ = false;
  if (plan_.metronome > Duration::zero()) {
    timer_->enable(plan_.metronome);
    if (left_ > 0 && codec_->canOpenStream()) askOnce();
  } else {
    ask();
  }
}

void ClientConnection::ask() {
  if (!ready_ || thinking_ || asking_ || wire_.ended() || plan_.metronome > Duration::zero()) return;
  asking_ = true;
  while (left_ > 0 && requests_.size() < plan_.concurrency && codec_->canOpenStream())
    askOnce();
  asking_ = false;
  if (requests_.empty()) wire_.close("done");
}

void ClientConnection::askOnce() {
  --left_;
  const RequestPlan plan = drawRequest(client_.random(), plan_, client_.abilities());
  requests_.push_front(std::make_unique<ClientRequest>(*this, plan));
  ClientRequest& request = *requests_.front();
  request.self = requests_.begin();
  request.begin();
}

void ClientConnection::remove(ClientRequest& request) {
  const auto node = request.self;
  client_.host().loop.deferredDelete(std::move(*node));
  requests_.erase(node);
  if (wire_.ended() || plan_.metronome > Duration::zero()) return;
  if (plan_.think > Duration::zero() && left_ > 0) {
    thinking_ = true;
    timer_->enable(client_.random().between(Duration::zero(), 2 * plan_.think));
  }
  wire_.outputReady();  // onSettled() goes on
}

void ClientConnection::stop() {
  left_ = 0;
  if (plan_.metronome > Duration::zero()) timer_->disable();
  if (requests_.empty()) wire_.close("stopped");
}

void ClientConnection::cutOff() { wire_.abort("cut off"); }

void ClientConnection::onEnded(const wire::End&) {
  timer_.reset();
  client_.connectionOver(ready_);
}

// --- requests ----------------------------------------------------------------------------------------------------

namespace {

constexpr size_t kInFlight = 64 * 1024;  // of a body, given to the codec and not gone
constexpr size_t kSlowPiece = 4 * 1024;

const char* methodOf(Wish wish) {
  switch (wish) {
    case Wish::kGet:
    case Wish::kTunnel: return "GET";
    case Wish::kHead: return "HEAD";
    case Wish::kPut:
    case Wish::kChunkedPut: return "PUT";
    case Wish::kGrpc: return "POST";
  }
  return "";
}

}  // namespace

ClientRequest::ClientRequest(ClientConnection& connection, const RequestPlan& plan)
    : connection_(connection), host_(connection.client().host()), plan_(plan) {}

http::RequestHead ClientRequest::makeHead() const {
  http::RequestHead head;
  head.method = methodOf(plan_.wish);
  head.path = "/object";
  head.authority = "node";
  head.headers.add(kIdField, std::to_string(id_));
  if (plan_.wish == Wish::kPut) {
    head.contentLength = plan_.body;
    head.headers.add("content-length", std::to_string(plan_.body));
  }
  if (plan_.wish == Wish::kGrpc) {
    head.headers.add("content-type", "application/grpc");
    head.headers.add("te", "trailers");
    if (plan_.deadline) head.headers.add("grpc-timeout", std::to_string(*plan_.deadline / microseconds(1)) + "u");
  }
  if (tunnel()) head.upgrade = "test";
  head.complete = plan_.wish == Wish::kGet || plan_.wish == Wish::kHead || tunnel();
  return head;
}

void ClientRequest::begin() {
  RequestEntry& record = host_.ledger.open(connection_.client().peer(), plan_.wish, now());
  id_ = record.id;
  record.honest = plan_.honest;
  record.paced = plan_.reads != Pace::kAtOnce || plan_.writes != Pace::kAtOnce;
  record.bodySize = plan_.body;
  record.answerSize = plan_.answer;
  const auto fate = plan_.cancelAfter ? plan_.cancelAfter : plan_.vanishAfter;
  if (fate) {
    fate_ = host_.loop.createTimer([this] { strike(); });
    fate_->enable(*fate);
  }
  stream_ = &connection_.codec().openStream(*this);
  const http::RequestHead head = makeHead();
  stream_->sendHeaders(head, head.complete);
  connection_.outputReady();
  writing_ = !head.complete;
  write();
}

void ClientRequest::strike() {
  if (stream_ == nullptr) return;
  if (plan_.vanishAfter) {
    connection_.cutOff();
    return;
  }
  std::exchange(stream_, nullptr)->reset(http::ResetReason::kCancel);
  over(ClientEnd::kCancelled);
}

// --- its body ----------------------------------------------------------------------------------------------------

void ClientRequest::write() {
  if (plan_.writes == Pace::kAtOnce) {
    while (writing_ && written_ - gone_ < kInFlight)
      writePiece();
    return;
  }
  if (plan_.writes == Pace::kStops && written_ >= plan_.body / 2) return;
  writePiece();
  if (!writing_) return;
  if (!writeTimer_) writeTimer_ = host_.loop.createTimer([this] { write(); });
  writeTimer_->enable(plan_.pace);
}

void ClientRequest::writePiece() {
  if (!writing_ || stream_ == nullptr) return;
  const uint64_t piece = plan_.writes == Pace::kAtOnce ? BodyPattern::kMaxPiece : kSlowPiece;
  const auto n = static_cast<size_t>(std::min<uint64_t>(plan_.body - written_, piece));
  if (n > 0) {
    written_ += n;
    stream_->sendData(host_.pattern.piece(id_, Direction::kRequest, written_ - n, n));
  }
  if (stream_ == nullptr || written_ < plan_.body) return;
  writing_ = false;
  if (!std::exchange(bodyEnded_, true)) stream_->sendEnd();
}

void ClientRequest::onBodySent(size_t n) {
  gone_ += n;
  RequestEntry& record = entry();
  record.bodySent += n;
  record.progress = now();
  if (stream_ != nullptr && writing_ && plan_.writes == Pace::kAtOnce) write();
}

// --- its answer --------------------------------------------------------------------------------------------------

void ClientRequest::onInformational(http::ResponseHead&&) { entry().progress = now(); }

void ClientRequest::onHeaders(http::ResponseHead&& head) {
  RequestEntry& record = entry();
  record.progress = now();
  record.statusSeen = head.status;
  record.local = head.headers.has("proxy-status");
  if (head.status != 101) return;
  writing_ = true;  // from here on its direction is the tunnel's
  write();
}

void ClientRequest::onData(Slice data) {
  RequestEntry& record = entry();
  const Direction direction = record.statusSeen == 101 ? Direction::kRequest : Direction::kResponse;
  const bool matches = record.local || host_.pattern.matches(id_, direction, record.received, data.view());
  host_.ledger.received(id_, data.size(), matches, now());
  unread_ += data.size();
  if (plan_.reads == Pace::kAtOnce) {
    read();
  } else if (plan_.reads == Pace::kSlowly && (!readTimer_ || !readTimer_->enabled())) {
    if (!readTimer_) readTimer_ = host_.loop.createTimer([this] { read(); });
    readTimer_->enable(plan_.pace);
  }
}

void ClientRequest::read() {
  if (stream_ == nullptr || unread_ == 0) return;
  const uint64_t n = plan_.reads == Pace::kAtOnce ? unread_ : std::min<uint64_t>(unread_, kSlowPiece);
  unread_ -= n;
  stream_->consumed(static_cast<size_t>(n));
  if (unread_ > 0 && readTimer_) readTimer_->enable(plan_.pace);
}

void ClientRequest::onClosed() {
  stream_ = nullptr;
  over(complete_ ? ClientEnd::kComplete : ClientEnd::kReset);
}

// An answer that is complete stays so: RST_STREAM(NO_ERROR), or the end of a connection that answered early.
void ClientRequest::onReset(http::ResetReason, std::string_view) {
  stream_ = nullptr;
  over(complete_ ? ClientEnd::kComplete : plan_.vanishAfter ? ClientEnd::kCancelled : ClientEnd::kReset);
}

void ClientRequest::over(ClientEnd how) {
  writeTimer_.reset();
  readTimer_.reset();
  if (fate_) fate_->disable();
  host_.ledger.ended(id_, how, now());
  connection_.remove(*this);
}

}  // namespace peerpulse::sim
