#include "storage_serving.h"

#include <algorithm>
#include <string>
#include <utility>

namespace peerpulse::sim {

namespace {

constexpr size_t kInFlight = 64 * 1024;  // of an answer, given to the codec and not gone

}  // namespace

// --- connections -------------------------------------------------------------------------------------------------

StoragePeer::Served::Served(StoragePeer& peer, std::unique_ptr<net::Transport> transport)
    : peer_(peer), wire_(*peer.io_, std::move(transport), *this) {
  if (peer_.manners_.idleClose == Duration::zero()) return;
  idleTimer_ = peer_.loop_.createTimer([this] {
    if (requests_.empty()) wire_.close("idle");
  });
  idleTimer_->enable(peer_.manners_.idleClose);
}

StoragePeer::Served::~Served() = default;

std::unique_ptr<http::Codec> StoragePeer::Served::createCodec(http::Preface preface) {
  http2_ = preface == http::Preface::kHttp2 && peer_.manners_.http2;
  return http2_ ? http::createH2ServerCodec(*this, {}) : http::createH1ServerCodec(*this, {});
}

void StoragePeer::Served::onSettled() {
  if (idleTimer_ && requests_.empty()) idleTimer_->enable(peer_.manners_.idleClose);
}

void StoragePeer::Served::onEnded(const wire::End&) {
  idleTimer_.reset();
  peer_.loop_.deferredDelete(std::move(*self));
  peer_.served_.erase(self);
}

void StoragePeer::Served::drain() {
  if (wire_.ended()) return;
  wire_.codec()->drain();
  wire_.outputReady();
}

http::Receiver* StoragePeer::Served::onRequest(http::ResponseStream& stream, http::RequestHead&& head) {
  RequestEntry* entry = peer_.ledger_.find(head, peer_.number_);
  requests_.push_front(std::make_unique<Serving>(*this, stream, head, entry));
  Serving& request = *requests_.front();
  request.self = requests_.begin();
  request.begin(http2_, !head.upgrade.empty());
  return &request;
}

http::Receiver* StoragePeer::Served::onBadRequest(http::ResponseStream& stream, int, std::string_view) {
  requests_.push_front(std::make_unique<Serving>(*this, stream, http::RequestHead(), nullptr));
  Serving& request = *requests_.front();
  request.self = requests_.begin();
  request.begin(http2_, false);
  return &request;
}

void StoragePeer::Served::remove(Serving& request) {
  const auto node = request.self;
  peer_.loop_.deferredDelete(std::move(*node));
  requests_.erase(node);
}

// --- requests ----------------------------------------------------------------------------------------------------

StoragePeer::Serving::Serving(Served& connection, http::ResponseStream& stream, const http::RequestHead& head,
                              const RequestEntry* entry)
    : connection_(connection),
      peer_(connection.peer()),
      stream_(&stream),
      id_(entry != nullptr ? entry->id : 0),
      timer_(peer_.loop_.createTimer([this] {
        due_ = true;
        serve();
      })) {
  if (entry == nullptr) return;
  wish_ = entry->wish;
  size_ = entry->answerSize;
  peer_.ledger_.seen(id_, now());
}

StoragePeer::Serving::~Serving() {
  if (stream_ != nullptr && id_ != 0) peer_.ledger_.lost(id_, now());  // its process died
}

StoragePeer::Serving::Fate StoragePeer::Serving::drawFate(bool http2) {
  const PeerManners& manners = peer_.manners_;
  const uint32_t draw = peer_.random_.below(100);
  uint32_t edge = 0;
  const auto falls = [&](uint32_t percent) { return draw < (edge += percent); };
  if (peer_.failing_) return Fate::kCutShort;
  if (falls(manners.refuses) && http2) return Fate::kRefused;
  if (falls(manners.breaksOff)) return Fate::kBrokenOff;
  if (falls(manners.cutsShort)) return Fate::kCutShort;
  if (falls(manners.fails)) return Fate::kFailed;
  if (falls(manners.neverAnswers)) return Fate::kNeverAnswered;
  return Fate::kServed;
}

Duration StoragePeer::Serving::serviceTime() {
  Random& random = peer_.random_;
  const Duration service = random.between(peer_.manners_.service / 2, peer_.manners_.service * 3 / 2);
  return random.percent(peer_.manners_.slow) ? 100 * service : service;
}

// In this order whatever happens, so that a request's draws do not depend on another's.
void StoragePeer::Serving::begin(bool http2, bool tunnel) {
  Random& random = peer_.random_;
  if (id_ != 0) fate_ = drawFate(http2);
  early_ = random.percent(peer_.manners_.early);
  tunnel_ = tunnel;
  const bool informs = random.percent(peer_.manners_.informational);
  const bool goesAway = random.percent(peer_.manners_.goesAway);
  const Duration service = serviceTime();
  if (fate_ != Fate::kServed && id_ != 0) entry().peerFailed = true;
  if (fate_ == Fate::kRefused) {
    peer_.ledger_.refused(id_, now());
    finish(http::ResetReason::kRefused);
    return;
  }
  if (informs && id_ != 0) {
    http::ResponseHead head;
    head.status = 103;
    stream_->sendInformational(head);
  }
  if (goesAway) connection_.drain();
  timer_->enable(service);
}

void StoragePeer::Serving::onData(Slice data) {
  if (stream_ == nullptr) return;
  if (id_ != 0) {
    const uint64_t at = entry().bodyAtPeer;
    peer_.ledger_.bodyArrived(id_, data.size(),
                              peer_.pattern_.matches(entry().bodyOf, Direction::kRequest, at, data.view()), now());
  }
  if (echoes_) {
    stream_->sendData(std::move(data));  // its credit goes back as the echo leaves
  } else {
    stream_->consumed(data.size());
  }
}

void StoragePeer::Serving::onEnd() {
  if (stream_ == nullptr) return;
  if (echoes_) {
    stream_->sendEnd();
    return;
  }
  bodyEnded_ = true;
  if (id_ != 0) peer_.ledger_.bodyEnded(id_);
  serve();
}

void StoragePeer::Serving::onBodySent(size_t n) {
  if (stream_ == nullptr) return;
  if (echoes_) {
    stream_->consumed(n);
    return;
  }
  acknowledged_ += n;
  pump();
}

void StoragePeer::Serving::onClosed() {
  stream_ = nullptr;
  over();
}

void StoragePeer::Serving::onReset(http::ResetReason, std::string_view) {
  stream_ = nullptr;
  if (id_ != 0) peer_.ledger_.lost(id_, now());
  over();
}

void StoragePeer::Serving::serve() {
  if (stream_ == nullptr || answering_ || !due_ || !(bodyEnded_ || early_)) return;
  switch (fate_) {
    case Fate::kNeverAnswered: return;
    case Fate::kBrokenOff: connection_.close("closed at a request"); return;
    case Fate::kRefused:
    case Fate::kServed:
    case Fate::kCutShort:
    case Fate::kFailed: break;
  }
  if (tunnel_ && fate_ == Fate::kServed) {
    openTunnel();
  } else {
    answer();
  }
}

void StoragePeer::Serving::openTunnel() {
  answering_ = echoes_ = true;
  http::ResponseHead head;
  head.status = 101;
  head.upgrade = "test";
  peer_.ledger_.answering(id_, 101, now());
  stream_->sendHeaders(head, false);
}

void StoragePeer::Serving::sendHead(int status, uint64_t size) {
  http::ResponseHead head;
  head.status = status;
  if (wish_ == Wish::kGrpc) {
    head.headers.add("content-type", "application/grpc");
  } else if (size == 0 || !peer_.random_.percent(peer_.manners_.unsized)) {
    head.contentLength = size;
    head.headers.add("content-length", std::to_string(size));
  }
  if (id_ != 0) peer_.ledger_.answering(id_, status, now());
  const bool bodyless = wish_ == Wish::kHead || (size == 0 && wish_ != Wish::kGrpc);
  if (bodyless && id_ != 0) peer_.ledger_.answered(id_, now());
  stream_->sendHeaders(head, bodyless);
  if (bodyless) size_ = sent_ = 0;
}

void StoragePeer::Serving::answer() {
  answering_ = true;
  if (peer_.failing_ || (fate_ == Fate::kCutShort && size_ == 0)) {
    finish(http::ResetReason::kInternal);
    return;
  }
  if (fate_ == Fate::kFailed || id_ == 0) size_ = 0;
  const bool bodyless = wish_ == Wish::kHead || (size_ == 0 && wish_ != Wish::kGrpc);
  sendHead(fate_ == Fate::kFailed ? 503 : 200, size_);
  if (!bodyless && stream_ != nullptr) pump();
}

void StoragePeer::Serving::pump() {
  if (!answering_ || stream_ == nullptr || id_ == 0 || entry().answerComplete) return;
  while (sent_ < size_ && sent_ - acknowledged_ < kInFlight) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(size_ - sent_, BodyPattern::kMaxPiece));
    stream_->sendData(peer_.pattern_.piece(id_, Direction::kResponse, sent_, n));
    if (stream_ == nullptr) return;
    sent_ += n;
    entry().answerSent = sent_;
    if (fate_ == Fate::kCutShort && sent_ >= size_ / 2) {
      finish(http::ResetReason::kInternal);
      return;
    }
  }
  if (sent_ < size_) return;
  peer_.ledger_.answered(id_, now());
  http::HeaderList trailers;
  if (wish_ == Wish::kGrpc) trailers.add("grpc-status", "0");
  stream_->sendEnd(trailers);
}

void StoragePeer::Serving::finish(http::ResetReason reason) {
  std::exchange(stream_, nullptr)->reset(reason);
  if (id_ != 0 && reason != http::ResetReason::kRefused) peer_.ledger_.lost(id_, now());
  over();
}

void StoragePeer::Serving::over() {
  timer_->disable();
  connection_.remove(*this);
}

}  // namespace peerpulse::sim
