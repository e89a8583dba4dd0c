#include "peerpulse/proxy/listener.h"

#include "downstream_connection.h"
#include "exchange.h"
#include "local_reply.h"
#include "peerpulse/log/log.h"
#include "refusal_replies.h"

namespace peerpulse::proxy {

namespace {

upstream::Failure cutByUs(const char* why) {
  upstream::Failure failure;
  failure.type = upstream::ErrorType::kConnectionTerminated;
  failure.party = upstream::Party::kSelf;
  failure.detail = why;
  return failure;
}

}  // namespace

Listener::Listener(WorkerContext& context, const PeerOptions& peer)
    : context_(context),
      peer_(peer.id),
      peerName_(peer.name),
      onDead_(peer.onDead),
      refusals_(std::make_unique<RefusalReplies>()),
      idleReset_(context.scheduler, [this](TimePoint stop) { return resetIdle(stop); }),
      clearing_(context.scheduler, [this](TimePoint stop) { return clearFinished(stop); }),
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
    // Closing tells the client at once; leaving it in the queue would let it wait.
    log::write(log::Level::kWarn, "downstream_limit",
               log::Fields().add("peer", peerName_).add("connections", uint64_t{connections_.size()}));
    return;
  }
  connections_.push_front(std::make_unique<DownstreamConnection>(*this, std::move(transport)));
  connections_.front()->self = connections_.begin();
}

void Listener::remove(DownstreamConnection& connection) {
  auto node = connection.self;
  context_.scheduler.deferredDelete(std::move(*node));
  connections_.erase(node);
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
    finished_.front()->writeLog();
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

void Listener::sweep(TimePoint now) {
  for (auto next = connections_.begin(); next != connections_.end();)
    (*next++)->expire(now);
}

}  // namespace peerpulse::proxy
