#include "link_watch.h"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <variant>

#include "peerpulse/base/assert.h"
#include "peerpulse/health/connect_evidence.h"

namespace peerpulse::probe {

namespace {

/// Of one that failed, never 0.
int troubleOf(const health::Closed& closed) {
  if (closed.error != 0) return closed.error;
  return closed.notHttp2 ? EPROTO : ECONNABORTED;
}

}  // namespace

LinkWatch::LinkWatch(const ProberPeer& link, const net::AddressOrder& own, event::Dispatcher& dispatcher,
                     wire::IoContext& io, OnChange onChange)
    : link_(link),
      dispatcher_(dispatcher),
      io_(io),
      onChange_(std::move(onChange)),
      choice_(link.link->mayFallBack, link.link->retry),
      own_(own),
      direct_(
          dispatcher, own, 0, health::LinkChoice::kCheckInterval,
          [this](const health::ConnectResult& result, const SocketAddress&) { onDirect(result); }, link.mark,
          link.source),
      timer_(dispatcher.createTimer([this] { onTimer(); })) {
  PP_ASSERT(link.tls != nullptr);
  tls_.emplace(io.scheduler, io.connector, link.tls, net::TlsTarget{link.serverName, net::Alpn::kHttp2});
}

LinkWatch::~LinkWatch() { endTrial(); }

void LinkWatch::onProbe(const health::Event& event, health::Verdict verdict) {
  const TimePoint now = dispatcher_.now();
  if (std::holds_alternative<health::PingAcked>(event)) {
    choice_.answered();
  } else if (const auto* closed = std::get_if<health::Closed>(&event); closed != nullptr) {
    // One that was open may end without a failure of the link: what comes next tells. What TLS says is one, whenever it comes.
    const bool tls = isTlsFailure(closed->error) && !is(closed->error, TlsFailure::kTruncated);
    const bool refused = health::classifyConnect(closed->error) == health::ConnectEvidence::kRefused;
    if (tls || refused || closed->notHttp2) choice_.failed(troubleOf(*closed), now);
  } else if (const auto* result = std::get_if<health::ConnectResult>(&event);
             result != nullptr && result->purpose != health::ConnectPurpose::kHostCheck) {
    if (health::classifyConnect(result->error) == health::ConnectEvidence::kRefused)
      choice_.failed(result->error, now);
  }
  const bool silent = verdict == health::Verdict::kDead;
  if (silent && !std::exchange(silent_, silent)) choice_.silent(now);
  silent_ = silent;
  settle(false);
}

void LinkWatch::onTimer() {
  const TimePoint now = dispatcher_.now();
  if (now >= directBy_) {
    directBy_ = TimePoint::max();
    direct_.stop(health::ConnectPurpose::kConfirm);
    choice_.onDirect(false, now);
  }
  if (now >= trialBy_) {
    endTrial();
    choice_.failed(ETIMEDOUT, now);
  }
  settle(false);
}

// It says what it finds on the way: the state it began with is told first.
void LinkWatch::settle(bool afresh) {
  const TimePoint now = dispatcher_.now();
  const health::LinkState state = choice_.state();
  // Of one that was never up, the first failure is news, too.
  if (state != told_ || (state == health::LinkState::kDown && whyTold_ == 0 && choice_.why() != 0)) {
    const health::LinkChange change{link_.id, told_, state, choice_.why(), now};
    told_ = state;
    whyTold_ = state == health::LinkState::kUp ? 0 : choice_.why();
    onChange_(change, afresh);
  }
  switch (choice_.tick(now)) {
    case health::LinkChoice::Ask::kNothing: break;
    case health::LinkChoice::Ask::kDirect: askDirect(); break;
    case health::LinkChoice::Ask::kLink: askLink(); break;
  }
  const TimePoint next = std::min({choice_.nextDeadline(), directBy_, trialBy_});
  if (next == std::exchange(armedFor_, next) && timer_->enabled()) return;
  if (next == TimePoint::max()) {
    timer_->disable();
  } else {
    timer_->enable(std::max<Duration>(next - now, Duration::zero()));
  }
}

void LinkWatch::askDirect() {
  directLeft_ = 0;
  for (size_t i = 0; i < own_.size(); ++i) {
    if (direct_.start(health::ConnectPurpose::kConfirm).error == 0) ++directLeft_;
  }
  if (directLeft_ == 0) {
    choice_.onDirect(false, dispatcher_.now());
  } else {
    directBy_ = dispatcher_.now() + kPatience;
  }
}

void LinkWatch::onDirect(const health::ConnectResult& result) {
  if (result.error != 0 && --directLeft_ > 0) return;
  directBy_ = TimePoint::max();
  direct_.stop(health::ConnectPurpose::kConfirm);
  choice_.onDirect(result.error == 0, dispatcher_.now());
  settle(false);
}

void LinkWatch::askLink() {
  endTrial();
  trialBy_ = dispatcher_.now() + kPatience;
  trial_ = std::make_unique<ProbeSession>(io_, *tls_, net::Destination(link_.address.literal()), link_.source,
                                          link_.address.authority(),
                                          health::OpenConnection{++trials_, health::ConnectionKind::kHttp2}, "",
                                          [this](const health::Event& event) { onTrial(event); });
}

void LinkWatch::onTrial(const health::Event& event) {
  if (std::holds_alternative<health::Connected>(event)) {
    trial_->sendPing(1);
  } else if (std::holds_alternative<health::PingAcked>(event)) {
    endTrial();
    const bool news = choice_.state() != health::LinkState::kUp;
    choice_.answered();
    settle(news);
  } else if (const auto* closed = std::get_if<health::Closed>(&event); closed != nullptr) {
    const int why = troubleOf(*closed);
    endTrial();
    choice_.failed(why, dispatcher_.now());
    settle(false);
  }
}

void LinkWatch::endTrial() {
  trialBy_ = TimePoint::max();
  if (trial_ == nullptr) return;
  trial_->close(ProbeSession::Leave::kInOrder);
  dispatcher_.deferredDelete(std::move(trial_));
}

}  // namespace peerpulse::probe
