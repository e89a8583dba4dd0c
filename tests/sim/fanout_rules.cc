#include "fanout_rules.h"

#include <algorithm>

#include "carry_world.h"
#include "peerpulse/upstream/peer.h"

namespace peerpulse::sim {

namespace {

constexpr Duration kLookEvery = milliseconds(100);
constexpr Duration kSlack = milliseconds(20);
// From the last acknowledgement that a quorum needs to its caller, where no path loses anything.
constexpr Duration kTold = seconds(1);
constexpr uint64_t kSoonSent = 64 * 1024;
// What is left of a request whose leg has ended, in order, is on its way out.
constexpr Duration kOutlives = milliseconds(200);
constexpr Duration kLingers = seconds(2);
// Of a body, between its caller and a peer: what codecs, connections' output and kernels hold (carry_rules.cc).
constexpr uint64_t kOnTheWay = 3 * net::Connection::kOutputLimit + 512 * 1024 + 64 * 1024;
// Of a peer's part in an answer, without its body.
constexpr uint64_t kSaidOfPeer = 512;

}  // namespace

FanoutRules::FanoutRules(CarryWorld& world, const CarrySetup& setup, uint32_t peers, RuleBreaks& breaks)
    : world_(world), setup_(setup), peers_(peers), breaks_(breaks) {
  outlivedSince_.fill(TimePoint::max());
}

void FanoutRules::broken(const OperationEntry& operation, const char* rule) {
  breaks_.broken(world_.operations().leg(operation, operation.targets.front()).peer, rule);
}

void FanoutRules::takeNew() {
  const TimePoint now = world_.network().now();
  for (; taken_ < world_.operations().entries().size(); ++taken_) {
    world_.operations().entry(taken_).lateBefore = late_ - std::max<Duration>(blockedUntil_ - now, Duration::zero());
    open_.push_back(taken_);
  }
}

void FanoutRules::afterStep() {
  takeNew();
  const fanout::Options& options = setup_.fanout.options;
  const fanout::Budget& budget = world_.ownHost().budget();
  if (budget.operations() > options.maxOperations) breaks_.broken(0, "21: more operations than allowed");
  if (budget.bytes() > options.memory) {
    uint64_t room = options.memory;
    for (const uint32_t number : open_)
      room += answerRoom(world_.operations().entry(number));
    if (budget.bytes() > room) breaks_.broken(0, "21: more memory than allowed");
  }
  if (world_.network().now() < lookAt_) return;
  lookAt_ = world_.network().now() + kLookEvery;
  look();
}

// Answers are there before anybody could refuse them room.
uint64_t FanoutRules::answerRoom(const OperationEntry& operation) const {
  const uint64_t legs = operation.targets.size();
  if (operation.asked != Asked::kAggregate) return (legs + 1) * kSaidOfPeer;
  const RequestEntry& leg = world_.operations().leg(operation, 0);
  return (legs + 1) * kSaidOfPeer + legs * std::min(leg.answerSize, setup_.fanout.options.answerLimit) * 4 / 3;
}

void FanoutRules::look() {
  const TimePoint now = world_.network().now();
  for (const uint32_t number : open_) {
    const OperationEntry& operation = world_.operations().entry(number);
    checkCaller(operation);
    checkPiles(operation);
  }
  if (!world_.ownHost().blocked()) checkRunning();
  std::erase_if(open_, [&](uint32_t number) {
    const OperationEntry& operation = world_.operations().entry(number);
    return operation.ended && now - operation.endedAt > kLingers && surelyOver(operation);
  });
}

// --- time --------------------------------------------------------------------------------------------------------

// When what it may still do is over, whatever its peers and its caller do. Time in which the own process stood still does not
// count.
std::optional<TimePoint> FanoutRules::due(const OperationEntry& operation) const {
  std::optional<Duration> most = operation.deadline;
  const auto atMost = [&most](Duration d) { most = most ? std::min(*most, d) : d; };
  if (operation.asked == Asked::kAggregate) atMost(setup_.fanout.options.peerTimeout);
  if (operation.asked == Asked::kNotify) atMost(setup_.fanout.options.notifyTimeout);
  if (!most) return std::nullopt;
  return operation.began + *most + (late_ - operation.lateBefore) + kSlack;
}

bool FanoutRules::surelyOver(const OperationEntry& operation) const {
  const TimePoint now = world_.network().now();
  if (operation.ended && operation.end == OperationEnd::kBroken) return true;
  const bool answered = operation.ended && operation.end == OperationEnd::kAnswered;
  // A quorum and a notification go on behind their answers.
  const bool goesOn = operation.status == 200 || operation.status == 202;
  if (answered && (!goesOn || operation.asked == Asked::kAggregate)) return now - operation.endedAt > kSlack;
  const auto over = due(operation);
  // A notification waits for its caller's last byte.
  const bool waits = operation.asked == Asked::kNotify && !operation.ended && operation.bodyWhole > now;
  return over && now > *over && !waits;
}

void FanoutRules::checkCaller(const OperationEntry& operation) {
  if (operation.ended || !operation.honest || world_.ownHost().blocked()) return;
  const TimePoint now = world_.network().now();
  if (operation.asked == Asked::kNotify) {
    const Duration late = late_ - operation.lateBefore;
    if (operation.bodyWhole < now && now - operation.bodyWhole > late + kSlack)
      broken(operation, "20: a notification that is all there was not accepted at once");
    return;
  }
  if (const auto over = due(operation); over && now > *over)
    broken(operation, "20: its time has passed, and its caller waits");
  if (operation.asked != Asked::kQuorum || setup_.trouble == Trouble::kAny) return;
  uint32_t acknowledged = 0;
  for (const uint32_t number : operation.targets) {
    const RequestEntry& leg = world_.operations().leg(operation, number);
    const bool told = leg.saidYes && !leg.early && now - leg.saidYesAt > kTold;
    if (told && world_.operations().answerFits(leg) && setup_.blameless(leg.peer)) ++acknowledged;
  }
  if (acknowledged >= operation.required) broken(operation, "19: a quorum has acknowledged, and its caller waits");
}

// What runs is what may: gauges, and what the workers have under way with the peers.
void FanoutRules::checkRunning() {
  uint32_t may = 0;
  std::array<uint64_t, kMaxCarryingPeers> legs{};
  for (const uint32_t number : open_) {
    const OperationEntry& operation = world_.operations().entry(number);
    if (surelyOver(operation)) continue;
    ++may;
    for (const uint32_t target : operation.targets)
      ++legs[world_.operations().leg(operation, target).peer];
  }
  if (world_.stats().fanout.running.get() > may) breaks_.broken(0, "20: an operation goes on after its time");
  for (uint8_t i = 0; i < peers_; ++i) {
    uint64_t underWay = 0;
    for (const auto& worker : world_.ownHost().workers())
      underWay += worker->peer(i).requestsHeld() + worker->peer(i).requestsInFlight();
    if (underWay > legs[i]) breaks_.broken(i, "20: a peer is asked for what nobody waits for");
    const uint64_t open = world_.stats().peer(PeerId{i}).inFlight.get();
    if (open > legs[i]) breaks_.broken(i, "20: a leg goes on after its time");
    if (underWay <= open) {
      outlivedSince_[i] = TimePoint::max();
    } else if (outlivedSince_[i] == TimePoint::max()) {
      outlivedSince_[i] = world_.network().now();
    } else if (world_.network().now() - outlivedSince_[i] > kOutlives) {
      breaks_.broken(i, "20: a request outlives its leg");
    }
  }
}

// --- memory ------------------------------------------------------------------------------------------------------

// Of a body that no peer has. A try that a peer has not looked at begins anew, with all that is kept.
void FanoutRules::checkPiles(const OperationEntry& operation) {
  if (operation.ended) return;
  uint64_t furthest = 0;
  for (const uint32_t target : operation.targets)
    furthest = std::max(furthest, world_.operations().leg(operation, target).bodyAtPeer);
  const uint64_t kernels = 2 * (setup_.sockets.sendBuffer + setup_.sockets.receiveWindow);
  const uint64_t most = 2 * setup_.fanout.options.replayLimit + setup_.options.bufferLimit + kOnTheWay + kernels;
  if (operation.bodySent > furthest + most) broken(operation, "21: a body piles up");
}

// --- the end -----------------------------------------------------------------------------------------------------

void FanoutRules::afterQuiet() {
  for (const uint32_t number : open_) {
    const OperationEntry& operation = world_.operations().entry(number);
    // A long body may take its time on a long path; a chunk goes to disk after disk.
    const bool ends = operation.honest && operation.asked != Asked::kErasure && operation.body <= kSoonSent;
    if (ends && !operation.ended) broken(operation, "20: an operation never ended");
  }
}

void FanoutRules::whenNobodyIsLeft() {
  const fanout::Budget& budget = world_.ownHost().budget();
  if (!world_.ownHost().operationsOver()) breaks_.broken(0, "20: operations of callers who have left");
  if (world_.stats().fanout.running.get() != 0) breaks_.broken(0, "20: operations are counted that are over");
  if (budget.operations() != 0 || budget.bytes() != 0) breaks_.broken(0, "21: memory of what is over");
  checkUndelivered();
}

bool FanoutRules::mustArrive(const OperationEntry& operation, uint8_t peer) const {
  return setup_.blameless(peer) && setup_.fanout.ending != FanoutEnding::kAborted &&
         setup_.fanout.options.notifyTimeout >= seconds(1) && world_.operations().mustBeServed(operation);
}

// Every notification that was accepted has arrived, or is counted.
void FanoutRules::checkUndelivered() {
  for (uint8_t i = 0; i < peers_; ++i) {
    uint64_t missing = 0;
    uint64_t most = 0;
    for (const OperationEntry& operation : world_.operations().entries()) {
      const bool targets =
          std::find(operation.targets.begin(), operation.targets.end(), i) != operation.targets.end();
      if (operation.asked != Asked::kNotify || !targets) continue;
      const bool accepted = operation.status == 202;
      if (accepted && !world_.operations().leg(operation, i).saidYes) {
        ++missing;
        if (mustArrive(operation, i)) breaks_.broken(i, "23: a healthy peer was not notified");
      }
      if (accepted || !operation.ended || operation.end != OperationEnd::kAnswered) ++most;
    }
    uint64_t counted = 0;
    for (const stats::Value& value : world_.stats().peer(PeerId{i}).undelivered)
      counted += value.get();
    if (counted < missing) breaks_.broken(i, "22: a notification is lost, and nobody is told");
    if (counted > most) breaks_.broken(i, "22: more notifications counted as undelivered than there were");
  }
}

}  // namespace peerpulse::sim
