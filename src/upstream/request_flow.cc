// Request: the two directions of its stream.
#include <utility>

#include "peerpulse/base/assert.h"
#include "peerpulse/upstream/peer.h"
#include "peerpulse/upstream/request.h"

namespace peerpulse::upstream {

namespace {

/// It says how fast the peer is: refusals and quick errors do not, nor do tunnels.
bool tellsLatency(const http::ResponseHead& head) {
  return head.status != 101 && head.status != 429 && head.status < 500;
}

/// Server-Sent Events: silence between two of them is the answer's nature, whatever the class of its route.
bool isEventStream(const http::ResponseHead& head) {
  constexpr std::string_view kType = "text/event-stream";
  return http::equalsIgnoreCase(head.headers.find("content-type").substr(0, kType.size()), kType);
}

}  // namespace

// --- the body, to the peer -------------------------------------------------------------------------------------

void Request::onAttemptOpen(http::RequestStream& stream) {
  enter(State::kSending);
  times_ = {now() - wantedAt_, std::nullopt};
  deadlines_.onConnected(now());
  armTimer();
  sent_ = true;
  bodyGiven_ = bodySent_ = 0;
  askedAt_ = TimePoint::max();
  heard_ = false;
  bodyEndSent_ = spec_.head->complete;
  if (firstBody_ == FirstBody::kSent) firstBody_ = FirstBody::kEnded;
  sendHead(stream);
  stream.allow(answerRoom_);
  forwardBody();
  noteAsked(now());
  settleDebt(now());
}

// A request without an authority (HTTP/1.0) is for whoever is asked: the peer, by its own name.
void Request::sendHead(http::RequestStream& stream) {
  if (!spec_.head->authority.empty()) {
    stream.sendHeaders(*spec_.head, spec_.head->complete);
    return;
  }
  http::RequestHead head = *spec_.head;
  head.authority = peer_.options().address.authority();
  stream.sendHeaders(head, head.complete);
}

void Request::sendData(Slice data) {
  if (ended()) return;
  const TimePoint at = now();
  deadlines_.onProgress(at);
  body_.append(std::move(data));
  forwardBody();
  settleDebt(at);
}

void Request::sendBodyEnd() {
  if (ended()) return;
  firstBody_ = FirstBody::kEnded;
  forwardBody();
  settleDebt(now());
}

void Request::sendEnd(http::HeaderList&& trailers) {
  if (ended()) return;
  trailers_ = std::move(trailers);
  bodyEnded_ = true;
  forwardBody();
  noteAsked(now());
  settleDebt(now());
}

// Of an extended CONNECT: what the client sends goes on when the peer has agreed, or it would be taken for a request's body.
bool Request::tunnelAwaited() const {
  return !tunnel_ && !spec_.head->upgrade.empty() && spec_.head->version == http::Version::kHttp2;
}

void Request::forwardBody() {
  http::RequestStream* stream = attempt_.stream();
  if (stream == nullptr || tunnelAwaited()) return;
  while (!body_.empty()) {
    Slice data = body_.takeFront();
    replay_.keep(data);
    bodyGiven_ += data.size();
    stream->sendData(std::move(data));
  }
  if (firstBody_ == FirstBody::kEnded) {
    firstBody_ = FirstBody::kSent;
    stream->sendBodyEnd();
  }
  if (!bodyEnded_ || bodyEndSent_) return;
  bodyEndSent_ = true;
  stream->sendEnd(trailers_);
}

void Request::onAttemptBodySent(size_t n) {
  const TimePoint at = now();
  deadlines_.onProgress(at);
  bodySent_ += n;
  noteAsked(at);
  settleDebt(at);
  if (bodySent_ <= bodyCredited_) return;  // sent again
  owner_.onRequestBodySent(bodySent_ - std::exchange(bodyCredited_, bodySent_));
}

// --- the response ----------------------------------------------------------------------------------------------

void Request::onAttemptInformational(http::ResponseHead&& head) {
  const TimePoint at = now();
  deadlines_.onProgress(at);
  heard_ = true;
  if (head.status == 100 && firstBody_ == FirstBody::kSent) firstBody_ = FirstBody::kOpen;
  settleDebt(at);
  owner_.onInformational(std::move(head));
}

void Request::onAttemptHead(http::ResponseHead&& head) {
  const TimePoint at = now();
  enter(State::kAnswering);
  const bool tells = tellsLatency(head);
  ticket_.answered(tells, at);
  replay_.giveUp();
  if (askedAt_ != TimePoint::max()) times_.wait = at - askedAt_;
  // Of what is waited for as a whole the answer's end is measured.
  if (tells && !spec_.wholeAnswer) measureAnswer(at);
  if (!tells || !spec_.wholeAnswer) askedAt_ = TimePoint::max();
  report(head.status >= 500 ? health::Outcome::kServerError : health::Outcome::kSuccess);
  deadlines_.onProgress(at);
  if (head.status == 101) {  // from here on the request's direction carries the tunnel's bytes
    deadlines_.stop();
    // An extended CONNECT's client may have ended it before it began.
    if (spec_.head->version != http::Version::kHttp2) bodyEnded_ = false;
    tunnel_ = true;
    bodyEndSent_ = false;
  } else if (!spec_.wholeAnswer && isEventStream(head)) {
    deadlines_.stop();
  }
  if (head.contentLength) deadlines_.onContentLength(*head.contentLength, at);
  settleDebt(at);
  armTimer();
  if (tunnel_) forwardBody();
  owner_.onResponseHead(std::move(head));
}

void Request::onAttemptData(Slice data) {
  const TimePoint at = now();
  deadlines_.onProgress(at);
  unconsumed_ += data.size();
  settleDebt(at);
  owner_.onResponseData(std::move(data));
}

void Request::onAttemptTrailers(http::HeaderList&& trailers) { owner_.onResponseTrailers(std::move(trailers)); }

void Request::onAttemptEnd() {
  enter(State::kAnswered);
  measureAnswer(now());
  askedAt_ = TimePoint::max();
  deadlines_.stop();
  owner_.onResponseEnd();
}

void Request::consumed(size_t n) {
  if (ended()) return;
  const TimePoint at = now();
  deadlines_.onProgress(at);
  PP_ASSERT(n <= unconsumed_);
  unconsumed_ -= n;
  settleDebt(at);
  if (http::RequestStream* stream = attempt_.stream()) stream->consumed(n);
}

void Request::allow(size_t bytes) {
  if (bytes <= answerRoom_) return;
  answerRoom_ = bytes;
  if (http::RequestStream* stream = attempt_.stream()) stream->allow(bytes);
}

}  // namespace peerpulse::upstream
