#include "peer_prober.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <poll.h>
#include <utility>
#include <variant>

#include "link_watch.h"
#include "peerpulse/health/connect_evidence.h"

namespace peerpulse::probe {

namespace {

/// To have echoes at all is a property of the peer; which family they have changes with its addresses.
bool mayUseEcho(const ProberPeer& peer, EchoSockets& echoes, const SocketAddress& address) {
  if (!peer.options.icmp) return false;
  echoes.move(slot(peer.id), address);
  return echoes.of(slot(peer.id)) != nullptr;
}

health::ProbeOptions effectiveOptions(const ProberPeer& peer, bool usesEcho) {
  health::ProbeOptions options = peer.options;
  options.icmp = usesEcho;
  if (peer.address.isUnix() || options.confirmPort == peer.address.port()) options.confirmPort = 0;
  return options;
}

/// Not the peer's silence, but our own trouble.
bool couldNotAsk(const health::Event& event) {
  int error = 0;
  if (const auto* result = std::get_if<health::ConnectResult>(&event); result != nullptr) error = result->error;
  if (const auto* closed = std::get_if<health::Closed>(&event); closed != nullptr) error = closed->error;
  if (const auto* unsent = std::get_if<health::EchoUnsent>(&event); unsent != nullptr) error = unsent->error;
  return error != 0 && health::classifyConnect(error) == health::ConnectEvidence::kLocal;
}

}  // namespace

PeerProber::PeerProber(const ProberPeer& peer, const net::AddressOrder& addresses, event::Dispatcher& dispatcher,
                       wire::IoContext& io, health::CircuitTable& table, ProberCallbacks& callbacks,
                       LocalWatch& watch, EchoSockets& echoes, uint32_t jitterSeed, Duration phase, LinkWatch* link)
    : peer_(peer),
      dispatcher_(dispatcher),
      io_(io),
      table_(table),
      callbacks_(callbacks),
      watch_(watch),
      echoes_(echoes),
      link_(link),
      addresses_(addresses),
      echoAt_(addresses.first()),
      usesEcho_(mayUseEcho(peer, echoes, addresses.first())),
      stats_(*peer.stats),
      started_(dispatcher.now()),
      health_(peer.id, effectiveOptions(peer, usesEcho_), jitterSeed, started_, phase),
      connects_(
          dispatcher, addresses_, static_cast<uint16_t>(peer.options.confirmPort), peer.options.interval,
          [this](const health::ConnectResult& result, const SocketAddress& asked) { onConnectResult(result, asked); },
          peer.mark, peer.source),
      requestPath_(peer.options.healthPath),
      timer_(dispatcher.createTimer([this] { onTimer(); })) {
  if (peer_.tls != nullptr) {
    const auto make = [&](health::ConnectionKind kind, net::Alpn alpn) {
      tls_[static_cast<size_t>(kind)].emplace(io_.scheduler, io_.connector, peer_.tls,
                                              net::TlsTarget{peer_.serverName, alpn});
    };
    make(health::ConnectionKind::kHttp2, net::Alpn::kHttp2);
    make(health::ConnectionKind::kRequests, net::Alpn::kHttp1);
  }
  health_.startFrom(table_.load(peer_.id).generation);
  arm();
}

PeerProber::~PeerProber() { dropSession(ProbeSession::Leave::kReset); }

void PeerProber::feed(const health::Event& event) {
  if (feeding_) {  // an action had an answer at once: it waits until all actions are carried out
    events_.push_back(event);
    return;
  }
  feeding_ = true;
  handle(event);
  while (!events_.empty()) {
    const health::Event next = events_.front();
    events_.pop_front();
    handle(next);
  }
  feeding_ = false;
  if (!peer_.own) watch_.expect(peer_.id, health_.overdueAt());
  if (health_.lastEvidence() > started_) {
    stats_.lastHeardNanos.set(static_cast<uint64_t>(health_.lastEvidence().time_since_epoch().count()));
  }
  stats_.processHeardNanos.set(static_cast<uint64_t>(health_.processHeard().time_since_epoch().count()));
  stats_.connected.set(session_ != nullptr && !session_->connecting() ? 1 : 0);
  arm();
}

// What was learnt of the peer stays: it is the same one elsewhere.
void PeerProber::setAddresses(const AddressSet& addresses) {
  if (link_ != nullptr) return;
  (void)addresses_.set(addresses);
  std::erase_if(refused_, [this](const SocketAddress& address) { return !addresses_.has(address); });
  inUse(addresses_.first());
  // One that still connects may be on its way to an address that has gone.
  if (session_ != nullptr && (session_->connecting() || !addresses_.has(sessionAt_))) moveSession();
}

void PeerProber::moveSession() {
  if (session_ != nullptr) feed(health::Closed{session_->epoch(), ECONNABORTED, false});
}

void PeerProber::inUse(const SocketAddress& address) {
  addresses_.answered(address);
  echoAt_ = address;
  if (usesEcho_) echoes_.move(slot(peer_.id), address);
}

// Of a peer with several addresses one answer is enough, and one that refuses speaks for its host, not for the process at
// another: only when all of them do is the process gone.
void PeerProber::onConnectResult(health::ConnectResult result, const SocketAddress& asked) {
  if (addresses_.size() == 1 || result.purpose == health::ConnectPurpose::kHostCheck) {
    feed(result);
    return;
  }
  if (result.error == ECONNREFUSED && !allRefuse(asked)) {
    if (result.purpose != health::ConnectPurpose::kConfirm) return;
    result.error = ECONNRESET;  // its kernel lives
  }
  if (result.error == 0) refused_.clear();
  const bool connected = session_ != nullptr && !session_->connecting();
  if (result.error == 0 && !connected) inUse(asked);
  const bool elsewhere = result.error == 0 && connected && !(sessionAt_ == asked);
  const bool doubted = health_.word().verdict == health::Verdict::kSuspect;
  feed(result);
  if (!doubted || !elsewhere) return;
  inUse(asked);
  moveSession();  // where it leads nobody has answered
}

bool PeerProber::allRefuse(const SocketAddress& asked) {
  if (std::find(refused_.begin(), refused_.end(), asked) == refused_.end()) refused_.push_back(asked);
  return refused_.size() >= addresses_.size();
}

void PeerProber::handle(const health::Event& event) {
  prepare(event);
  const health::Actions actions = health_.on(event, dispatcher_.now());
  if (health_.protocol() != protocol_) {
    protocol_ = health_.protocol();
    table_.publishProtocol(peer_.id, protocol_);
  }
  showScore();  // before the verdict is published: who reads both must not find a dead peer with a score
  for (const health::Action& action : actions)
    apply(action);
  showOwing();
  if (link_ != nullptr) link_->onProbe(event, health_.word().verdict);
  if (std::holds_alternative<health::PingAcked>(event) || std::holds_alternative<health::EchoAnswered>(event)) {
    stats_.rtt.observe(health_.rtt().last());
  }
}

void PeerProber::onTimer() {
  armedFor_ = TimePoint();
  const TimePoint now = dispatcher_.now();
  // Drain, then judge: what has arrived but was not read yet is read first, in the loop's next turn.
  if (!drained_ && health_.judgementDue(now) && readable()) {
    drained_ = true;
    timer_->enable(Duration::zero());
    return;
  }
  drained_ = false;
  feed(tick(now));
}

health::Tick PeerProber::tick(TimePoint now) {
  health::Tick tick;
  tick.dataHeard = table_.lastHeard(peer_.id);
  tick.dataKernelHeard = table_.lastKernelHeard(peer_.id);
  if (session_ != nullptr && health_.wantsKernelView(now)) tick.kernel = session_->kernelView();
  if (health_.judgementDue(now)) tick.ownHostSuspect = !peer_.own && watch_.ownHostSuspect(now);
  return tick;
}

void PeerProber::arm() {
  const TimePoint deadline = health_.nextDeadline();
  if (deadline == armedFor_) return;
  armedFor_ = deadline;
  // An override or a circuit may be due in years; a timer need not be.
  timer_->enable(std::min<Duration>(deadline - dispatcher_.now(), seconds(3600)));
}

bool PeerProber::readable() {
  pollFds_.clear();
  connects_.addPollFds(pollFds_);
  if (const IcmpEcho* asks = echo(); asks != nullptr) pollFds_.push_back({asks->fd(), POLLIN, 0});
  if (session_ != nullptr && session_->fd() >= 0) {
    const short events = session_->connecting() ? POLLOUT : POLLIN;
    pollFds_.push_back({session_->fd(), events, 0});
  }
  return ::poll(pollFds_.data(), pollFds_.size(), 0) > 0;
}

void PeerProber::apply(const health::Action& action) {
  std::visit([this](const auto& a) { run(a); }, action);
}

void PeerProber::run(const health::OpenConnection& action) {
  // Attempts of recovery are given up long before a race would come to the second address.
  if (std::exchange(opening_, true)) addresses_.rotate();
  dropSession(ProbeSession::Leave::kReset);
  stats_.connects.add();
  session_ = std::make_unique<ProbeSession>(io_, connectorFor(action.kind), net::Destination(addresses_.inOrder()),
                                            peer_.source, peer_.address.authority(), action, requestPath_,
                                            [this](const health::Event& event) { feed(event); });
}

net::Connector& PeerProber::connectorFor(health::ConnectionKind kind) {
  auto& connector = tls_[static_cast<size_t>(kind)];
  return connector ? static_cast<net::Connector&>(*connector) : io_.connector;
}

// To a process that lives a reset would be an error; of one that may be gone nobody waits for a FIN.
void PeerProber::run(const health::CloseConnection& action) {
  const bool lives = health_.word().verdict == health::Verdict::kAlive;
  dropSession(lives ? ProbeSession::Leave::kInOrder : ProbeSession::Leave::kReset);
}

void PeerProber::run(const health::SendPing& action) {
  if (session_ == nullptr) return;
  stats_.pings.sent.add();
  ++unanswered_;
  session_->sendPing(action.sequence);
}

void PeerProber::run(const health::SendRequest& action) {
  if (session_ == nullptr) return;
  stats_.requests.sent.add();
  requestWaits_ = true;
  session_->sendRequest();
}

void PeerProber::run(const health::DrawAck& action) {
  if (session_ != nullptr) session_->drawAck();
}

void PeerProber::run(const health::SendEcho& action) {
  IcmpEcho* const asks = echo();  // none: of a family that this host has no ICMP for
  const auto sent = asks != nullptr ? asks->send(echoAt_, slot(peer_.id), action.sequence)
                                    : Result<void>(Error{"no ICMP socket of that family", EADDRNOTAVAIL});
  if (!sent) feed(health::EchoUnsent{sent.error().code});
}

void PeerProber::run(const health::StartConnects& action) {
  const bool confirms = action.purpose == health::ConnectPurpose::kConfirm;
  const uint32_t count = confirms ? std::max(action.count, static_cast<uint32_t>(addresses_.size())) : action.count;
  for (uint32_t i = 0; i < count; ++i) {
    stats_.connects.add();
    const FreshConnects::Started started = connects_.start(action.purpose);
    const bool sent = started.error == 0 || health::classifyConnect(started.error) != health::ConnectEvidence::kLocal;
    if (sent && action.purpose == health::ConnectPurpose::kProbe) stats_.knocks.sent.add();
    if (started.dropped == health::ConnectPurpose::kProbe) stats_.knocks.lost.add();
    if (started.error != 0) onConnectResult({action.purpose, started.error, Duration::zero()}, started.asked);
  }
}

void PeerProber::run(const health::StopConnects& action) {
  const size_t stopped = connects_.stop(action.purpose);
  if (action.purpose == health::ConnectPurpose::kProbe) stats_.knocks.lost.add(stopped);
}

void PeerProber::run(const health::Publish& action) { table_.publish(peer_.id, action.word); }

void PeerProber::run(const health::Report& action) {
  const health::Verdict from = action.transition.from.verdict;
  const health::Verdict to = action.transition.to.verdict;
  if (from != to) {
    if (to == health::Verdict::kSuspect) stats_.suspects.add();
    if (to == health::Verdict::kDead) stats_.deads.add();
    if (from == health::Verdict::kSuspect && to != health::Verdict::kDead) stats_.cleared.add();
    if (!peer_.own) watch_.verdict(peer_.id, to, action.transition.at);
  }
  callbacks_.onTransition(action.transition);
}

void PeerProber::run(const health::ReportRungs& action) { callbacks_.onRungs(action.change); }

void PeerProber::run(const health::Warn& action) {
  // When most peers get worse at once it is this host that does.
  if (health::isGrave(watch_.state())) return;
  stats_.degradings.add();
  callbacks_.onDegrading(action.degrading);
}

void PeerProber::showScore() {
  stats_.scoreMillis.set(static_cast<uint64_t>(std::lround(health_.score().value() * 1000)));
}

void PeerProber::showOwing() {
  if (health_.owesAnswer() == owing_) return;
  owing_ = health_.owesAnswer();
  table_.publishOwing(peer_.id, owing_);
  callbacks_.onOwing(peer_.id);
}

void PeerProber::prepare(const health::Event& event) {
  if (couldNotAsk(event)) {
    stats_.unasked.add();
    watch_.couldNotAsk(dispatcher_.now());
  }
  if (const auto* goaway = std::get_if<health::GoneAway>(&event); goaway != nullptr) {
    stats_.goaways.add();
    if (goaway->enhanceYourCalm) stats_.tooManyPings.add();
  }
  if (std::holds_alternative<health::Connected>(event) && session_ != nullptr) {
    if (!peer_.own) watch_.reachedFrom(net::localAddress(session_->fd()));
    stats_.certificateNotAfter.set(session_->certificateNotAfter());
    opening_ = false;
    if (addresses_.size() > 1) {
      sessionAt_ = net::remoteAddress(session_->fd());
      inUse(sessionAt_);
    } else {
      sessionAt_ = addresses_.first();
    }
  }
  if (const auto* closed = std::get_if<health::Closed>(&event); closed != nullptr) {
    // Before the health hears of it: its next session may be opened in answer.
    if (session_ != nullptr && session_->epoch() == closed->epoch) dropSession(ProbeSession::Leave::kReset);
  }
  if (const auto* order = std::get_if<health::CircuitOverride>(&event); order != nullptr) {
    override_ = *order;
    overriddenAt_ = dispatcher_.now();
  }
  count(event);
}

std::optional<health::CircuitOverride> PeerProber::standingOverride(TimePoint now) const {
  health::CircuitOverride left = override_;
  if (left.kind == health::CircuitOverride::Kind::kAuto) return std::nullopt;
  if (left.ttl == Duration::zero()) return left;
  left.ttl -= now - overriddenAt_;
  if (left.ttl <= Duration::zero()) return std::nullopt;
  return left;
}

void PeerProber::count(const health::Event& event) {
  if (std::holds_alternative<health::PingAcked>(event) && unanswered_ > 0) {
    --unanswered_;
    stats_.pings.acked.add();
  }
  const auto* answer = std::get_if<health::HealthAnswered>(&event);
  if (answer != nullptr && answer->status != 0 && std::exchange(requestWaits_, false)) stats_.requests.acked.add();
  // nginx takes OPTIONS * for a bad request, Python's servers know no OPTIONS, and both end the connection each time.
  constexpr int kBadRequest = 400, kNotImplemented = 501;
  const bool unknown = answer != nullptr && (answer->status == kBadRequest || answer->status == kNotImplemented);
  if (unknown && requestPath_.empty()) requestPath_.assign(1, '/');
  const auto* connect = std::get_if<health::ConnectResult>(&event);
  if (connect == nullptr || connect->purpose != health::ConnectPurpose::kProbe) return;
  switch (health::classifyConnect(connect->error)) {
    case health::ConnectEvidence::kAlive:
    case health::ConnectEvidence::kRefused: stats_.knocks.acked.add(); break;
    case health::ConnectEvidence::kSilence: stats_.knocks.lost.add(); break;
    case health::ConnectEvidence::kLocal: break;  // `unasked`, and not sent
  }
}

void PeerProber::dropSession(ProbeSession::Leave leave) {
  if (session_ == nullptr) return;
  stats_.pings.lost.add(unanswered_);
  unanswered_ = 0;
  if (std::exchange(requestWaits_, false)) stats_.requests.lost.add();
  session_->close(leave);
  dispatcher_.deferredDelete(std::move(session_));
}

void PeerProber::refreshStats() {
  const auto micros = [](Duration d) {
    return static_cast<uint64_t>(std::chrono::duration_cast<microseconds>(d).count());
  };
  const health::RttEstimator& rtt = health_.rtt();
  const health::Rungs rungs = health_.rungs();
  stats_.mode.set(static_cast<uint64_t>(rungs.mode));
  stats_.hostMeans.set(static_cast<uint64_t>(rungs.host));
  stats_.processMeans.set(static_cast<uint64_t>(rungs.process));
  const health::EchoTrack::Counts& echoes = health_.echoes();
  stats_.echoes.sent.set(echoes.sent);
  stats_.echoes.acked.set(echoes.answered);
  stats_.echoes.lost.set(echoes.lost);
  stats_.rttLastMicros.set(micros(rtt.last()));
  stats_.rttP50Micros.set(micros(rtt.percentile(50)));
  stats_.rttP99Micros.set(micros(rtt.percentile(99)));
}

}  // namespace peerpulse::probe
