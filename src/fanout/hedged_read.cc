#include "hedged_read.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "peerpulse/fanout/api.h"

namespace peerpulse::fanout {

namespace {

// Reads have no body: small requests, all of them.
constexpr auto kClass = static_cast<size_t>(upstream::TrafficClass::kControl);
constexpr int kServerError = 500;

}  // namespace

HedgedRead::HedgedRead(Api& api, Call asked, const http::RequestHead& head, Share share, Caller& caller)
    : FanRun(api, std::move(asked), head, std::move(share), caller),
      hedging_(call().targets.size()),
      known_(call().targets.size()) {
  if (!asksSome()) {
    unasked_.resize(legs().size());
    std::iota(unasked_.begin(), unasked_.end(), size_t{0});
    return;
  }
  const std::vector<size_t> best = order();
  unasked_.assign(best.begin(), best.end());
}

// Whoever fails at once has had his successor asked by then.
void HedgedRead::start() {
  const size_t first = asksSome() ? call().required : legs().size();
  for (size_t i = 0; i < first && !answered(); ++i)
    askNext();
  settle();
}

void HedgedRead::askNext() {
  if (late()) return giveUpUnasked();
  if (unasked_.empty()) return;
  const size_t leg = unasked_.front();
  unasked_.pop_front();
  ask(leg);
}

// What is begun after the caller's time could not be told to anybody.
void HedgedRead::giveUpUnasked() {
  while (!unasked_.empty() && !answered()) {
    const size_t leg = unasked_.front();
    unasked_.pop_front();
    giveUp(leg, "the caller's time is over");
  }
}

void HedgedRead::ask(size_t number) {
  Leg& leg = *legs()[number];
  if (const auto delay = delayFor(number)) hedging_.onBegun(number, now() + *delay);
  armTimer();
  begin(leg, specOf(leg));
}

void HedgedRead::onLegEnded(size_t leg) {
  hedging_.onEnded(leg);
  remember(*legs()[leg]);
  if (asksSome() && !answered() && !legs()[leg]->acknowledged()) {
    FanRun::onLegEnded(leg);
    if (!answered()) askNext();
    return settle();
  }
  FanRun::onLegEnded(leg);
}

// --- who is late -----------------------------------------------------------------------------------------------

void HedgedRead::armTimer() {
  const TimePoint next = hedging_.next();
  if (next == TimePoint::max()) return;  // a timer that finds nobody late changes nothing
  if (!timer_) timer_ = api().environment().scheduler.createTimer([this] { onTimer(); });
  timer_->enable(std::max<Duration>(next - now(), Duration::zero()));
}

void HedgedRead::onTimer() {
  while (!answered()) {
    const auto late = hedging_.takeLate(now());
    if (!late) break;
    hedge(*late);
  }
  if (!answered()) armTimer();
  settle();
}

void HedgedRead::hedge(size_t late) {
  if (legs()[late]->status() != 0) return;  // its answer is on its way
  if (asksSome()) {
    hedgeByNext();
  } else {
    hedgeAgain(late);
  }
}

void HedgedRead::hedgeByNext() {
  if (unasked_.empty()) return;
  Leg& next = *legs()[unasked_.front()];
  if (!mayAsk(next.peer())) return;
  next.hedgeAnother();
  askNext();
}

// A process that is stopped answers no second request either.
void HedgedRead::hedgeAgain(size_t number) {
  Leg& leg = *legs()[number];
  const health::CircuitTable& table = api().environment().upstream.table;
  const PeerId id = leg.peer().id;
  if (table.load(id).verdict != health::Verdict::kAlive || table.owing(id) || !mayAsk(leg.peer())) return;
  upstream::RequestSpec spec = specOf(leg);
  const Duration waited = leg.took().value_or(Duration::zero());
  if (spec.patience) spec.patience = std::max<Duration>(*spec.patience - waited, Duration::zero());
  spec.apart = true;
  stats().peer(id).requestsTotal.add();
  leg.askAgain(api().environment().peers, std::move(spec));
}

bool HedgedRead::mayAsk(const upstream::PeerOptions& options) const {
  upstream::Peer* peer = api().environment().peers.find(options.id);
  if (peer == nullptr) return false;
  if (peer->mayAskTwice()) return true;
  stats().fanout.operations[static_cast<size_t>(call().operation)].hedgesOverBudget.add();
  return false;
}

// --- what is known of them -------------------------------------------------------------------------------------

// What several workers read is in everybody's time, not in the loop's own.
TimePoint HedgedRead::stamp() const { return api().environment().upstream.now(); }

// A quick refusal is no answer: who gives nothing else would seem the best of them. What is not found is an answer.
void HedgedRead::remember(const Leg& leg) const {
  stats::Value& failedAt = stats().peer(leg.peer().id).readFailedNanos;
  const bool answered = leg.state() == Leg::State::kAnswered && leg.status() < kServerError;
  const bool refused = leg.state() == Leg::State::kAnswered && !answered;
  const bool failed = leg.state() == Leg::State::kFailed && leg.failure().party == upstream::Party::kPeer;
  if (answered) failedAt.set(0);
  if (refused || failed) failedAt.set(static_cast<uint64_t>(nanoseconds(stamp().time_since_epoch()).count()));
}

// The snapshot is of one moment: for the order and for when it is late.
const HedgedRead::Known& HedgedRead::knownOf(size_t leg) {
  std::optional<Known>& known = known_[leg];
  if (!known) {
    const stats::LatencyWindow& latency = stats().peer(legs()[leg]->peer().id).latency[kClass];
    const upstream::TimingOptions& timing = api().environment().upstream.options->timing;
    const stats::LatencyWindow::Snapshot window = latency.snapshot();
    const bool fresh = latency.lastAt() != TimePoint::min() && stamp() - latency.lastAt() < timing.window;
    known = Known{fresh ? window.percentile(50) : Duration::zero(), upstream::autoHedgeDelay(window, timing)};
  }
  return *known;
}

std::optional<Duration> HedgedRead::delayFor(size_t leg) {
  return call().hedge.automatic ? knownOf(leg).hedgeDelay : call().hedge.delay;
}

Reader HedgedRead::readerOf(size_t leg) {
  const Environment& environment = api().environment();
  const upstream::PeerOptions& peer = legs()[leg]->peer();
  const health::CircuitWord word = environment.upstream.table.load(peer.id);
  const stats::PeerStats& peerStats = stats().peer(peer.id);
  const auto failedAt = TimePoint(nanoseconds(static_cast<int64_t>(peerStats.readFailedNanos.get())));
  return {.unwell = word.circuit == health::CircuitState::kOpen || word.verdict != health::Verdict::kAlive ||
                    environment.upstream.table.owing(peer.id),
          .failed = failedAt != TimePoint() && stamp() - failedAt < environment.upstream.options->timing.window,
          .otherZone = !environment.options.zone.empty() && peer.zone != environment.options.zone,
          .typical = knownOf(leg).typical,
          .inFlight = peerStats.inFlight.get()};
}

std::vector<size_t> HedgedRead::order() {
  std::vector<Reader> readers;
  for (size_t i = 0; i < legs().size(); ++i)
    readers.push_back(readerOf(i));
  return readOrder(readers);
}

}  // namespace peerpulse::fanout
