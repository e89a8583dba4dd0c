#include "exchange_model.h"

#include <algorithm>

#include "admission.h"

namespace peerpulse::sim {

using health::CircuitWord;
using health::Outcome;
using upstream::Admission;

namespace {

constexpr uint32_t kResend = 1;  // in SimEvent::flag: the packet was lost, its timer has run out

}  // namespace

void ExchangeModel::reset(uint32_t peers, const std::array<Duration, kMaxPeers>& every, Random random,
                          ExchangeObserver& observer, Statistics& statistics) {
  peers_ = peers;
  random_ = random;
  observer_ = &observer;
  statistics_ = &statistics;
  permits_.emplace(peers);
  budget_.emplace();
  nextId_ = 1;
  blockedUntil_ = TimePoint();
  for (uint8_t i = 0; i < peers; ++i) {
    lanes_[i] = {};
    lanes_[i].every = every[i];
    if (every[i] == Duration::zero()) continue;
    heap_.push(heap_.now() + random_.between(Duration::zero(), every[i]), eventOf(EventKind::kRequest, i, 0));
  }
}

SimEvent ExchangeModel::eventOf(EventKind kind, uint8_t peer, uint32_t slot) const {
  SimEvent event;
  event.kind = kind;
  event.peer = peer;
  event.a = slot;
  event.b = lanes_[peer].slots[slot].id;
  return event;
}

ExchangeModel::Exchange* ExchangeModel::find(const SimEvent& event) {
  Exchange& exchange = lanes_[event.peer].slots[event.a];
  return exchange.state != State::kFree && exchange.id == event.b ? &exchange : nullptr;
}

void ExchangeModel::on(const SimEvent& event) {
  const bool ours = event.kind == EventKind::kRequest || event.kind == EventKind::kReply ||
                    event.kind == EventKind::kHoldOver || event.kind == EventKind::kGiveUp ||
                    event.kind == EventKind::kKernelAck;
  if (ours && heap_.now() < blockedUntil_) {
    heap_.push(blockedUntil_, event);
    return;
  }
  switch (event.kind) {
    case EventKind::kRequest: start(event.peer); return;
    case EventKind::kRequestAtPeer: requestAtPeer(event); return;
    case EventKind::kAnswer: answer(event); return;
    case EventKind::kReply: reply(event); return;
    case EventKind::kKernelAck:
      wires_[event.peer].dataArrived();
      prober_.table().stampKernelHeard(PeerId{event.peer}, heap_.now());
      return;
    case EventKind::kHoldOver:
      if (Exchange* exchange = find(event); exchange != nullptr) {
        if (exchange->state == State::kHeld) {
          exchange->heldLongEnough = true;
          exchange->state = State::kWaiting;
        }
        if (exchange->state == State::kWaiting) admitOrNot(event.peer, event.a);
      }
      return;
    case EventKind::kGiveUp:
      if (const Exchange* exchange = find(event); exchange != nullptr) {
        if (exchange->state != State::kHeld) finish(event.peer, event.a, Outcome::kTimeout);
      }
      return;
    default: return;
  }
}

void ExchangeModel::start(uint8_t peer) {
  Lane& lane = lanes_[peer];
  heap_.push(heap_.now() + random_.between(lane.every / 2, 3 * lane.every / 2),
             eventOf(EventKind::kRequest, peer, 0));
  const auto free =
      std::find_if(lane.slots.begin(), lane.slots.end(), [](const Exchange& e) { return e.state == State::kFree; });
  if (free == lane.slots.end()) return;
  *free = {};
  free->id = nextId_++;
  ++statistics_->exchanges;
  budget_->onRequest(retryOptions_.budgetPercent);
  admitOrNot(peer, static_cast<uint32_t>(free - lane.slots.begin()));
}

void ExchangeModel::admitOrNot(uint8_t peer, uint32_t slot) {
  Exchange& exchange = lanes_[peer].slots[slot];
  prober_.beat();
  const CircuitWord word = prober_.table().load(PeerId{peer});
  Admission admission = upstream::admit(word, prober_.table().proberStalled(heap_.now()));
  if (admission == Admission::kHold && exchange.heldLongEnough) admission = Admission::kFlow;
  switch (admission) {
    case Admission::kHold:
      if (exchange.state == State::kHeld) return;
      exchange.state = State::kHeld;
      heap_.push(heap_.now() + kHoldFor, eventOf(EventKind::kHoldOver, peer, slot));
      return;
    case Admission::kTrial:
      if (permits_->take(PeerId{peer}, word.generation)) {
        ++statistics_->trials;
        send(peer, slot, word, true, false);
        return;
      }
      [[fallthrough]];
    case Admission::kFail:
      exchange.state = State::kFree;
      ++statistics_->refused;
      observer_->onRefused(peer, word);
      return;
    case Admission::kFlow:
      noteCircuit(peer, word);
      if (!waitForTurn(peer, slot)) send(peer, slot, word, false, false);
      return;
    case Admission::kFailOpen: send(peer, slot, word, false, true); return;
  }
}

void ExchangeModel::noteCircuit(uint8_t peer, const CircuitWord& word) {
  Lane& lane = lanes_[peer];
  const bool outage = word.circuit != health::CircuitState::kClosed;
  if (outage == lane.outage) return;
  lane.outage = outage;
  if (outage) {
    lane.ramp.stop();
  } else {
    lane.ramp.start(heap_.now(), random_.below(1000) / 1000.0);
  }
}

bool ExchangeModel::waitForTurn(uint8_t peer, uint32_t slot) {
  Lane& lane = lanes_[peer];
  Exchange& exchange = lane.slots[slot];
  const TimePoint now = heap_.now();
  if (lane.ramp.admit(now)) return false;
  exchange.rampedSince = std::min(exchange.rampedSince, now);
  observer_->onRamped(peer, exchange.rampedSince);
  exchange.state = State::kWaiting;
  heap_.push(lane.ramp.nextStep(now), eventOf(EventKind::kHoldOver, peer, slot));
  return true;
}

void ExchangeModel::send(uint8_t peer, uint32_t slot, const CircuitWord& word, bool trial, bool failOpen) {
  Exchange& exchange = lanes_[peer].slots[slot];
  exchange.state = State::kInFlight;
  exchange.trial = trial;
  exchange.failedOpen = failOpen;
  exchange.generation = word.generation;
  exchange.boots = lanes_[peer].boots;
  observer_->onSent(peer, word, trial, failOpen);
  heap_.push(heap_.now() + kPatience, eventOf(EventKind::kGiveUp, peer, slot));
  carry(EventKind::kRequestAtPeer, peer, slot, 0, 0);
}

/// The packet, or the moment at which its sender notices that it was lost.
void ExchangeModel::carry(EventKind kind, uint8_t peer, uint32_t slot, uint32_t sent, uint32_t outcome) {
  SimEvent event = eventOf(kind, peer, slot);
  event.c = outcome;
  event.d = sent + 1;
  LinkModel& link = kind == EventKind::kRequestAtPeer ? wires_[peer].out() : wires_[peer].back();
  if (const auto at = link.carry(heap_.now())) {
    heap_.push(*at, event);
  } else {
    again(event);
  }
}

void ExchangeModel::again(const SimEvent& event) {
  SimEvent timer = event;
  timer.flag = kResend;
  heap_.push(heap_.now() + kRto * (1 << std::min(event.d, 6u)), timer);
}

void ExchangeModel::requestAtPeer(const SimEvent& event) {
  Exchange* exchange = find(event);
  if (exchange == nullptr) return;
  if (event.flag == kResend) {
    carry(EventKind::kRequestAtPeer, event.peer, event.a, event.d, 0);
    return;
  }
  const PeerModel& peer = wires_[event.peer].peer();
  if (!peer.powered()) {
    again(event);
    return;
  }
  if (!peer.serving() || exchange->boots != lanes_[event.peer].boots) {
    carry(EventKind::kReply, event.peer, event.a, 0, static_cast<uint32_t>(Outcome::kReset));
    return;
  }
  if (!peer.running()) {
    exchange->state = State::kParked;
    if (const auto at = wires_[event.peer].back().carry(heap_.now())) {
      heap_.push(*at, eventOf(EventKind::kKernelAck, event.peer, event.a));
    }
    return;
  }
  heap_.push(heap_.now() + peer.options().serviceTime, eventOf(EventKind::kAnswer, event.peer, event.a));
}

void ExchangeModel::answer(const SimEvent& event) {
  Exchange* exchange = find(event);
  if (exchange == nullptr || exchange->boots != lanes_[event.peer].boots) return;
  const PeerModel& peer = wires_[event.peer].peer();
  if (!peer.serving()) return;
  if (!peer.running()) {
    exchange->state = State::kParked;
    return;
  }
  const Outcome outcome = peer.failing() ? Outcome::kReset : Outcome::kSuccess;
  carry(EventKind::kReply, event.peer, event.a, 0, static_cast<uint32_t>(outcome));
}

void ExchangeModel::reply(const SimEvent& event) {
  const Exchange* exchange = find(event);
  if (exchange == nullptr) return;
  if (event.flag == kResend) {
    const bool known = exchange->boots == lanes_[event.peer].boots || event.c != 0;
    if (wires_[event.peer].peer().powered() && known) carry(EventKind::kReply, event.peer, event.a, event.d, event.c);
    return;
  }
  wires_[event.peer].dataArrived();
  const auto outcome = static_cast<Outcome>(event.c);
  if (outcome == Outcome::kReset) {
    prober_.table().stampKernelHeard(PeerId{event.peer}, heap_.now());
  } else {
    prober_.table().stampHeard(PeerId{event.peer}, heap_.now());
  }
  finish(event.peer, event.a, outcome);
}

void ExchangeModel::finish(uint8_t peer, uint32_t slot, Outcome outcome) {
  Exchange& exchange = lanes_[peer].slots[slot];
  if ((exchange.trial || exchange.failedOpen) && outcome == Outcome::kSuccess) observer_->onTrialSucceeded(peer);
  const uint32_t generation = exchange.generation;
  if (outcome != Outcome::kReset || !retry(peer, slot)) exchange.state = State::kFree;
  Arrival arrival;
  arrival.kind = Arrival::Kind::kOutcome;
  arrival.id = generation;
  arrival.outcome = static_cast<uint32_t>(outcome);
  prober_.arrived(peer, arrival);
}

bool ExchangeModel::retry(uint8_t peer, uint32_t slot) {
  Exchange& exchange = lanes_[peer].slots[slot];
  upstream::FailedAttempt attempt;
  attempt.reason = http::ResetReason::kConnectionClosed;
  attempt.retriesDone = exchange.retries;
  attempt.connectionReused = attempt.bodyReplayable = true;
  attempt.method = "GET";
  const auto after = upstream::retryAfter(retryOptions_, attempt, 0.5);
  if (exchange.trial || !after.has_value() || !budget_->take()) return false;
  ++statistics_->retries;
  observer_->onRetry(peer, exchange.retries);
  ++exchange.retries;
  exchange.state = State::kWaiting;
  exchange.id = nextId_++;  // what is under way of the first attempt is not for it
  heap_.push(heap_.now() + *after, eventOf(EventKind::kHoldOver, peer, slot));
  return true;
}

void ExchangeModel::onPublish(uint8_t peer, const CircuitWord& word) {
  noteCircuit(peer, word);
  const bool dead = word.circuit == health::CircuitState::kOpen && word.verdict == health::Verdict::kDead;
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    Exchange& exchange = lanes_[peer].slots[slot];
    if (exchange.state == State::kHeld) {
      admitOrNot(peer, slot);
    } else if (dead && (exchange.state == State::kInFlight || exchange.state == State::kParked)) {
      exchange.state = State::kFree;
      ++statistics_->failedInFlight;
      observer_->onFailedInFlight(peer, word);
    }
  }
}

void ExchangeModel::peerKilled(uint8_t peer) {
  ++lanes_[peer].boots;
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    const State state = lanes_[peer].slots[slot].state;
    if (state != State::kInFlight && state != State::kParked) continue;
    carry(EventKind::kReply, peer, slot, 0, static_cast<uint32_t>(Outcome::kReset));
  }
}

void ExchangeModel::peerResumed(uint8_t peer) {
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    Exchange& exchange = lanes_[peer].slots[slot];
    if (exchange.state != State::kParked) continue;
    exchange.state = State::kInFlight;
    heap_.push(heap_.now(), eventOf(EventKind::kAnswer, peer, slot));
  }
}

}  // namespace peerpulse::sim
