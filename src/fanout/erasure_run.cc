#include "erasure_run.h"

#include <utility>

#include "accounts.h"
#include "peerpulse/fanout/api.h"
#include "spare_choice.h"

namespace peerpulse::fanout {

ErasureRun::ErasureRun(Api& api, Call asked, const http::RequestHead& head, Share share, Caller& caller)
    : Run(api, std::move(asked), std::move(share), caller), head_(head), tried_(call().targets.size()) {}

void ErasureRun::attempt(size_t target) {
  tried_[target] = true;
  targetOf_.push_back(target);
  const Target& to = call().targets[target];
  Leg& leg = addLeg(to.peer, headFor(head_, to), false);
  begin(leg, specFor(head_, std::nullopt));
  if (leg.over()) return;  // and the next one has been tried
  kept_.forEach([&leg](const Slice& data) { leg.sendData(data); });
  if (state() != State::kReceiving) leg.sendEnd(trailers());
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
