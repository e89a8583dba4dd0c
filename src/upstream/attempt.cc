#include "peerpulse/upstream/attempt.h"

#include <utility>

#include "peerpulse/base/assert.h"
#include "peerpulse/upstream/failure.h"
#include "pool.h"

namespace peerpulse::upstream {

namespace {

bool legal(Attempt::State from, Attempt::State to) {
  using State = Attempt::State;
  switch (from) {
    case State::kIdle: return to == State::kWaiting;
    case State::kWaiting: return to == State::kStreaming || to == State::kIdle;
    case State::kStreaming: return to == State::kAnswered || to == State::kIdle;
    case State::kAnswered: return to == State::kIdle;
  }
  return false;
}

/// Whose doing its end was: that it does not take our certificate a server of TLS 1.3 says after the handshake.
Party partyOf(const PooledConnection& connection) {
  if (connection.forgotten()) return Party::kPath;
  if (!isTlsFailure(connection.endError())) return Party::kPeer;
  return causeOf(static_cast<TlsFailure>(connection.endError())).party;
}

/// Nothing of it has been processed, and that is no trouble of the connection's.
bool leftAlone(http::ResetReason reason) {
  return reason == http::ResetReason::kRefused || reason == http::ResetReason::kNotTaken;
}

// REFUSED_STREAM, ENHANCE_YOUR_CALM and GOAWAY are living answers, whatever becomes of the connection then; what its path
// has forgotten is no doing of the peer's. Of the streams that one broken connection takes with it the first one counts.
bool countsAsFailure(http::ResetReason reason, PooledConnection& connection) {
  if (leftAlone(reason) || reason == http::ResetReason::kEnhanceYourCalm) return false;
  if (connection.ending() || connection.forgotten() || partyOf(connection) != Party::kPeer) return false;
  return reason != http::ResetReason::kConnectionClosed || connection.takeLossReport();
}

// A peer waits for the rest of a request only so long. When it gives up, by a word about this stream or by closing the one
// connection in order, its client had it coming. One that is killed says nothing, or it resets, and more than the silent hear it.
bool closesForClient(const PooledConnection& connection, bool said) {
  if (partyOf(connection) != Party::kPeer) return false;
  return said || (connection.protocol() == Protocol::kHttp1 && connection.endError() == 0);
}

}  // namespace

void Attempt::enter(State to) {
  PP_ASSERT(legal(state_, to));
  state_ = to;
}

void Attempt::begin(Pool& pool, Protocol protocol) {
  enter(State::kWaiting);
  pool_ = &pool;
  protocol_ = protocol;
  pool.acquire(*this, protocol);
}

bool Attempt::waitsForUs(TimePoint from) const {
  if (state_ != State::kWaiting) return false;
  const auto since = pool_->openingSince(protocol_);
  return !since || *since > from;
}

void Attempt::onConnection(PooledConnection& connection) {
  enter(State::kStreaming);
  connection_ = &connection;
  stream_ = &connection.openStream(*this);
  owner_.onAttemptOpen(*stream_);
}

void Attempt::onNoConnection(PoolFailure failure, const Error& error) {
  enter(State::kIdle);
  owner_.onNoConnection(failure, error);
}

void Attempt::onPeerLate() {
  if (connection_ != nullptr) connection_->recordResult(false);
}

void Attempt::cancel(http::ResetReason reason) {
  if (state_ == State::kIdle) return;
  unlink();
  enter(State::kIdle);
  if (stream_ == nullptr) return;
  http::RequestStream& stream = *stream_;
  PooledConnection& connection = leaveConnection();
  if (reason != http::ResetReason::kNoError) connection.onStreamCancelled();
  stream.reset(reason);
}

PooledConnection& Attempt::leaveConnection() {
  stream_ = nullptr;
  return *std::exchange(connection_, nullptr);
}

void Attempt::onEnd() {
  enter(State::kAnswered);
  owner_.onAttemptEnd();
}

void Attempt::onClosed() {
  leaveConnection().recordResult(true);
  enter(State::kIdle);
  owner_.onAttemptClosed();
}

void Attempt::onReset(http::ResetReason reason, std::string_view detail) {
  PooledConnection& connection = leaveConnection();
  const bool answered = state_ == State::kAnswered;
  enter(State::kIdle);
  const bool said = connection.protocol() == Protocol::kHttp2 && http::saidByRemote(reason);
  const bool forClient = !answered && owner_.clientSilent() && closesForClient(connection, said);
  if (!answered) connection.recordResult(leftAlone(reason) || forClient);
  Loss loss;
  loss.reason = reason;
  loss.detail = detail;
  loss.connectionReused = connection.reused();
  loss.connectionEnding = connection.ending();
  loss.party = reason == http::ResetReason::kNotTaken ? Party::kSelf : partyOf(connection);
  if (forClient) loss.party = Party::kClient;
  loss.said = said;
  loss.error = connection.endError();
  loss.countsAsFailure = !answered && !forClient && countsAsFailure(reason, connection);
  owner_.onAttemptLost(loss);
}

}  // namespace peerpulse::upstream
