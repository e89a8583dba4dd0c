#include "peerpulse/proxy/listener.h"

#include "access_filter.h"
#include "downstream_connection.h"
#include "exchange.h"
#include "local_reply.h"
#include "peerpulse/log/log.h"
#include "refusal_replies.h"

namespace peerpulse::proxy {

upstream::Failure cutByUs(const char* why, upstream::Timer timer) {
  upstream::Failure failure;
  failure.timer = timer;
  failure.type = upstream::ErrorType::kConnectionTerminated;
  failure.party = upstream::Party::kSelf;
  failure.detail = why;
  return failure;
}

Listener::Listener(WorkerContext& context, const PeerOptions& peer)
    : context_(context),
      peer_(peer.id),
      peerName_(peer.name),
      onDead_(peer.onDead),
      role_(peer.role),
      refusals_(std::make_unique<RefusalReplies>()),
      accessFilter_(std::make_unique<AccessFilter>()),
      idleReset_(context.scheduler, [this](TimePoint stop) { return resetIdle(stop); }),
      clearing_(context.scheduler, [this](TimePoint stop) { return clearFinished(stop); }),
      sweeping_(context.scheduler, [this](TimePoint stop) { return sweepSome(stop); }),
      turnEnd_(context.scheduler.createTurnEnd([this] { clearing_.start(); })) {
  upstream::Peer* target = this->peer();
  PP_ASSERT(target != nullptr);
  target->watch(*this);
}

Listener::~Listener() {
  abortAll();
  clearFinished(TimePoint::max());
}

void Listener::accept(std::unique_ptr<net::Transport> transport) {
  if (connections_.size() >= context_.options().maxDownstreamConnections) {
    turnAway(TurnedAway::kConnectionLimit);
    return;
  }
  connections_.push_front(std::make_unique<DownstreamConnection>(*this, std::move(transport)));
  connections_.front()->self = connections_.begin();
  context_.shared.stats.peer(peer_).downstreamConnections.add();
}

std::string_view Listener::pseudonym() const {
  return role_ == Role::kStore ? context_.shared.storePseudonym : context_.shared.pseudonym;
}

void Listener::turnAway(TurnedAway why) {
  stats::PeerStats& stats = context_.shared.stats.peer(peer_);
  const bool limit = why == TurnedAway::kConnectionLimit;
  (limit ? stats.clientsOverLimit : stats.clientsWithoutDescriptor).add();
  if (!turnedAwayTold_[static_cast<size_t>(why)].due(context_.now())) return;
  log::write(log::Level::kWarn, limit ? "downstream_limit" : "descriptors_exhausted",
             log::Fields()
                 .add("peer", peerName_)
                 .add("connections", uint64_t{connections_.size()})
                 .add("turned_away", (limit ? stats.clientsOverLimit : stats.clientsWithoutDescriptor).get()));
}

void Listener::onTlsFailure(int code, std::string_view detail) {
  stats::TlsStats& stats = context_.shared.stats.peer(peer_).tlsDownstream;
  stats.ended(code);
  if (!tlsFailureTold_.due(context_.now())) return;
  log::write(log::Level::kWarn, "tls_downstream_failed",
             log::Fields()
                 .add("peer", peerName_)
                 .add("reason", stats::kTlsFailureNames[static_cast<size_t>(code - kFirstTlsFailure)])
                 .add("details", detail));
}

void Listener::onSlowedDown() { context_.shared.stats.peer(peer_).clientSlowdowns.add(); }

void Listener::onFlood(const char* kind) {
  stats::PeerStats& stats = context_.shared.stats.peer(peer_);
  stats.clientFloods.add();
  if (!floodTold_.due(context_.now())) return;
  log::write(
      log::Level::kWarn, "client_flood",
      log::Fields()
          .add("peer", peerName_)
          .add("frames", kind)
          .add("connections", stats.clientFloods.get())
          .add("details", "a client's connection was ended: more frames without use than any honest one sends"));
}

void Listener::remove(DownstreamConnection& connection) {
  auto node = connection.self;
  context_.scheduler.deferredDelete(std::move(*node));
  connections_.erase(node);
  context_.shared.stats.peer(peer_).downstreamConnections.sub();
}

// --- the circuit -----------------------------------------------------------------------------------------------

void Listener::onCircuitChange() {
  if (onDead_ == OnDead::kRefuse && context_.shared.table.load(peer_).circuit == health::CircuitState::kOpen) {
    idleReset_.start();
  }
}

bool Listener::onPeerDead(const upstream::Failure& refusal, TimePoint stop) {
  if (onDead_ != OnDead::kRefuse) return true;
  while (!connections_.empty()) {
    connections_.front()->abort(refusal);
    if (context_.now() >= stop) break;
  }
  return connections_.empty();
}

// A circuit that is open for another reason than death: what is under way may still end well.
bool Listener::resetIdle(TimePoint stop) {
  if (context_.shared.table.load(peer_).circuit != health::CircuitState::kOpen) return true;
  const upstream::Failure why = cutByUs("the peer's circuit is open");
  for (auto next = connections_.begin(); next != connections_.end();) {
    DownstreamConnection& connection = **next++;
    if (connection.busy()) continue;
    connection.abort(why);
    if (context_.now() >= stop) return false;
  }
  return true;
}

// A prober that has stopped knows nothing of what the peer owes.
void Listener::onOwingChange() {
  const bool hold = context_.shared.table.owing(peer_) && !context_.shared.table.proberStalled(context_.now());
  if (hold == pingsHeld_) return;
  pingsHeld_ = hold;
  for (const auto& connection : connections_)
    connection->holdPings(hold);
}

PreparedReply Listener::localReply(const upstream::Failure& failure, bool grpc) const {
  const health::CircuitWord word = context_.shared.table.load(peer_);
  const LocalReplyContext context{peerName_, word, sinceOf(word, context_.now(), context_.scheduler.wallNow())};
  return PreparedReply(makeLocalReply(failure, context, grpc));
}

const PreparedReply& Listener::refusalReply(const upstream::Failure& refusal, bool grpc) {
  const uint16_t generation = context_.shared.table.load(peer_).generation;
  return refusals_->get(generation, grpc, [&] { return localReply(refusal, grpc); });
}

// --- ends ------------------------------------------------------------------------------------------------------

// Those who wait for an answer come first: log lines and memory can wait.
void Listener::finished(std::list<std::unique_ptr<Exchange>>& from,
                        std::list<std::unique_ptr<Exchange>>::iterator exchange) {
  finished_.splice(finished_.end(), from, exchange);
  turnEnd_->schedule();
}

bool Listener::clearFinished(TimePoint stop) {
  while (!finished_.empty()) {
    finished_.front()->settle();
    finished_.front()->writeLog(*accessFilter_);
    finished_.pop_front();
    if (context_.now() >= stop) break;
  }
  return finished_.empty();
}

void Listener::drain() {
  for (auto next = connections_.begin(); next != connections_.end();)
    (*next++)->drain();
}

void Listener::abortAll() {
  while (!connections_.empty())
    connections_.front()->abort(cutByUs("the process ends"));
}

void Listener::sweep() {
  onOwingChange();
  sweeping_.start();
}

// From the start each time: those that were ended are no longer there.
bool Listener::sweepSome(TimePoint stop) {
  const TimePoint at = context_.loopTime();
  for (auto next = connections_.begin(); next != connections_.end();) {
    if ((*next++)->expire(at) && context_.now() >= stop) return false;
  }
  return true;
}

}  // namespace peerpulse::proxy
