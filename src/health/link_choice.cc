#include "peerpulse/health/link_choice.h"

#include <algorithm>
#include <cerrno>

#include "peerpulse/base/assert.h"
#include "peerpulse/base/tls_failure.h"

namespace peerpulse::health {

namespace {

bool legalChange(LinkState from, LinkState to) {
  switch (from) {
    case LinkState::kDown: return to != LinkState::kDown;
    case LinkState::kUp: return to == LinkState::kDown;
    case LinkState::kFallback: return to == LinkState::kUp;
  }
  return false;
}

}  // namespace

const char* toString(LinkState state) {
  switch (state) {
    case LinkState::kDown: return "down";
    case LinkState::kUp: return "up";
    case LinkState::kFallback: return "fallback";
  }
  return "?";
}

const char* linkTrouble(int why) {
  if (isTlsFailure(why)) {
    switch (static_cast<TlsFailure>(why)) {
      case TlsFailure::kProtocol: return "tls_protocol";
      case TlsFailure::kPlainText: return "tls_plain_text";
      case TlsFailure::kCertificate: return "tls_certificate";
      case TlsFailure::kIdentity: return "tls_identity";
      case TlsFailure::kAlert: return "tls_alert";
      case TlsFailure::kTruncated: return "closed";
      case TlsFailure::kNoHttp2: return "no_http2";
    }
  }
  switch (why) {
    case 0: return "none";
    case ECONNREFUSED: return "refused";
    case ETIMEDOUT: return "silence";
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED: return "closed";
    case EHOSTUNREACH:
    case ENETUNREACH: return "unreachable";
    case EPROTO: return "no_http2";
    default: return "error";
  }
}

void LinkChoice::transition(LinkState to) {
  PP_ASSERT(legalChange(state_, to));
  state_ = to;
  failures_ = directAnswers_ = 0;
  checkAt_ = TimePoint::max();
}

void LinkChoice::answered() {
  askingLink_ = false;
  if (state_ != LinkState::kUp) transition(LinkState::kUp);
  failures_ = directAnswers_ = 0;
  why_ = 0;
  checkAt_ = retryAt_ = TimePoint::max();
}

void LinkChoice::failed(int why, TimePoint now) { lost(1, why, now); }

void LinkChoice::silent(TimePoint now) { lost(kLosses, ETIMEDOUT, now); }

void LinkChoice::lost(uint32_t failures, int why, TimePoint now) {
  PP_ASSERT(why != 0);
  const bool tried = askingLink_;
  askingLink_ = false;
  if (state_ == LinkState::kUp) transition(LinkState::kDown);
  if (tried || retryAt_ == TimePoint::max()) retryAt_ = now + retry_;
  why_ = why;
  if (state_ != LinkState::kDown) return;
  failures_ = std::min(failures_ + failures, kLosses);
  if (mayFallBack_ && checkAt_ == TimePoint::max()) checkAt_ = now;
}

void LinkChoice::onDirect(bool answered, TimePoint now) {
  askingDirect_ = false;
  if (!mayFallBack_ || state_ != LinkState::kDown || failures_ == 0) return;
  directAnswers_ = answered ? directAnswers_ + 1 : 0;
  checkAt_ = now + kCheckInterval;
  if (failures_ >= kLosses && directAnswers_ >= kLosses) transition(LinkState::kFallback);
}

LinkChoice::Ask LinkChoice::tick(TimePoint now) {
  if (!askingDirect_ && now >= checkAt_) {
    askingDirect_ = true;
    return Ask::kDirect;
  }
  if (!askingLink_ && now >= retryAt_) {
    askingLink_ = true;
    return Ask::kLink;
  }
  return Ask::kNothing;
}

TimePoint LinkChoice::nextDeadline() const {
  const TimePoint check = askingDirect_ ? TimePoint::max() : checkAt_;
  const TimePoint retry = askingLink_ ? TimePoint::max() : retryAt_;
  return std::min(check, retry);
}

}  // namespace peerpulse::health
