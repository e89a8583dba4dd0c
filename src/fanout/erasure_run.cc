#include "erasure_run.h"

#include <algorithm>
#include <utility>

#include "accounts.h"
#include "peerpulse/fanout/api.h"
#include "spare_choice.h"

namespace peerpulse::fanout {

namespace {

Duration timeOf(uint64_t bytes, uint64_t perSecond) {
  constexpr auto kLongest = static_cast<double>(365 * 24 * 3600);
  const double taken = static_cast<double>(bytes) / static_cast<double>(perSecond);
  return milliseconds(static_cast<int64_t>(std::min(taken, kLongest) * 1000));
}

}  // namespace

ErasureRun::ErasureRun(Api& api, Call asked, const http::RequestHead& head, Share share, Caller& caller)
    : Run(api, std::move(asked), std::move(share), caller), head_(head), tried_(call().targets.size()) {}

void ErasureRun::attempt(size_t target) {
  tried_[target] = true;
  targetOf_.push_back(target);
  const Target& to = call().targets[target];
  Leg& leg = addLeg(to.peer, headFor(head_, to), false);
  begin(leg, specFor(to));
  if (leg.over()) return;  // and the next one has been tried
  kept_.forEach([&leg](const Slice& data) { leg.sendData(data); });
  if (state() != State::kReceiving) leg.sendEnd(trailers());
}

// What the size takes comes on top: the latency is that of the answer to a chunk that is all there.
upstream::RequestSpec ErasureRun::specFor(const Target& target) const {
  upstream::RequestSpec spec = Run::specFor(head_, std::nullopt);
  const Options& options = api().environment().options;
  std::optional<Duration> timeout;
  if (options.chunkTimeout > Duration::zero()) timeout = options.chunkTimeout;
  if (options.chunkTimeoutAuto) timeout = autoTimeout(*target.peer, spec.trafficClass);
  if (timeout && (head_.complete || head_.contentLength)) {
    const uint64_t rate = spec.options->timeoutsOf(upstream::TrafficClass::kBulk).minBytesPerSecond;
    spec.patience =
        *timeout + timeOf(head_.contentLength.value_or(0), rate > 0 ? rate : Options::kChunkBytesPerSecond);
  }
  return spec;
}

// --- the body --------------------------------------------------------------------------------------------------

void ErasureRun::take(const Slice& data) {
  if (whole_) kept_.append(data);
  if (whole_ && !beyondLimit()) {
    credit(data.size());
  } else {
    uncredited_ += data.size();
    if (current().bodyBegun()) letGo();
  }
  current().sendData(data);
}

void ErasureRun::takeEnd() { current().sendEnd(trailers()); }

bool ErasureRun::beyondLimit() const { return kept_.size() > api().environment().options.replayLimit; }

// From here on the disk that has the beginning is the only one.
void ErasureRun::letGo() {
  whole_ = false;
  kept_.clear();
}

void ErasureRun::onLegBodySent(size_t, uint64_t bytes) {
  if (beyondLimit()) letGo();
  const uint64_t now = std::min(bytes, uncredited_);
  uncredited_ -= now;
  credit(now);
}

// --- disks -----------------------------------------------------------------------------------------------------

void ErasureRun::onLegEnded(size_t) {
  noteEnded(current());
  if (answered()) return settle();
  const std::optional<size_t> next = mayFallBack() ? nextSpare() : std::nullopt;
  if (next) {
    countFallback(stats(), current());
    attempt(*next);
  } else {
    answer(erasureAnswer(call(), legs(), targetOf_));
  }
  settle();
}

// What is begun after the caller's time could not be told to anybody.
bool ErasureRun::mayFallBack() const {
  const upstream::Failure& failure = current().failure();
  const bool outOfTime = late() || (failure.timedOut && failure.party == upstream::Party::kClient);
  return !current().acknowledged() && whole_ && !outOfTime;
}

std::optional<size_t> ErasureRun::nextSpare() const {
  const Environment& environment = api().environment();
  std::vector<Spare> spares;
  for (size_t i = 1; i < call().targets.size(); ++i) {
    const upstream::PeerOptions& peer = *call().targets[i].peer;
    const health::CircuitWord word = environment.upstream.table.load(peer.id);
    const stats::PeerStats& stats = environment.upstream.stats.peer(peer.id);
    spares.push_back({.tried = tried_[i],
                      .open = word.circuit == health::CircuitState::kOpen,
                      .scoreMillis = stats.probe.scoreMillis.get(),
                      .otherZone = peer.zone != current().peer().zone,
                      .inFlight = stats.inFlight.get()});
  }
  const std::optional<size_t> chosen = chooseSpare(spares);
  return chosen ? std::optional(*chosen + 1) : std::nullopt;
}

}  // namespace peerpulse::fanout
