#include "pooled_connection.h"

#include <algorithm>

#include "peerpulse/health/connect_evidence.h"
#include "pool.h"

namespace peerpulse::upstream {

namespace {

constexpr uint32_t kMaxFailuresInRow = 3;
// Bulk bodies wait in our bounded buffers, not in the kernel's: a reset or a stall then costs little.
constexpr uint32_t kBulkNotSentLowat = 512 * 1024;
// What ended a connection that was used a moment ago is told by the loop; asking the kernel again costs a system call
// for each request.
constexpr Duration kJustUsed = milliseconds(1);

net::SocketOptions socketOptions(const TcpOptions& tcp, const SocketAddress& source, TrafficClass trafficClass) {
  net::SocketOptions options;
  options.keepaliveIdle = tcp.keepaliveIdle;
  options.keepaliveInterval = tcp.keepaliveInterval;
  options.keepaliveProbes = static_cast<int>(tcp.keepaliveProbes);
  options.userTimeout = tcp.userTimeout;
  options.source = source;
  if (trafficClass == TrafficClass::kBulk) options.notSentLowat = kBulkNotSentLowat;
  return options;
}

}  // namespace

const char* toString(PooledConnection::State state) {
  using enum PooledConnection::State;
  switch (state) {
    case kConnecting: return "connecting";
    case kLate: return "late";
    case kReady: return "ready";
    case kBusy: return "busy";
    case kDraining: return "draining";
    case kCondemned: return "condemned";
    case kClosed: return "closed";
  }
  return "?";
}

PooledConnection::PooledConnection(Pool& pool, Protocol protocol)
    : pool_(pool), protocol_(protocol), openedAt_(pool.context().now()), askedAt_(pool.context().deadlineNow()) {
  PP_ASSERT(protocol != Protocol::kAuto);
  Context& context = pool_.context();
  const Options& options = *context.options;
  auto codec = protocol == Protocol::kHttp2
                   ? http::createH2ClientCodec(*this, context.limits, pool_.connectors().secure())
                   : http::createH1ClientCodec(*this, context.limits);
  codec_ = codec.get();
  const net::Destination to = pool_.destination();
  wire_ = std::make_unique<wire::CodecConnection>(
      context.io, pool_.connectors().of(protocol), to,
      socketOptions(options.tcp, pool_.options().source, pool_.trafficClass()), std::move(codec), *this);
  tellTime(openedAt_);
  const Duration timeout = options.timeoutsOf(pool_.trafficClass()).connect;
  const Duration patience = pool_.synPatience();
  const bool racing = pool_.racing(protocol);
  // A second try has the time that is left of the first one's.
  if (timeout > Duration::zero())
    connectBy_ = askedAt_ + (racing ? std::max(timeout - patience, timeout / 2) : timeout);
  // A race of several addresses has its own second tries.
  const TimePoint lateAt = racing || !to.single() ? TimePoint::max() : askedAt_ + patience;
  const TimePoint first = std::min(lateAt, connectBy_);
  if (first == TimePoint::max()) return;
  connectTimer_ = context.io.scheduler.createTimer([this] { onConnectTimer(); });
  connectTimer_->enable(first - askedAt_);
}

PooledConnection::~PooledConnection() = default;

SocketAddress PooledConnection::remote() const {
  const int fd = wire_->fd();
  return fd >= 0 ? net::remoteAddress(fd) : SocketAddress();
}

http::RequestStream& PooledConnection::openStream(http::ResponseReceiver& receiver) {
  PP_ASSERT(state_ == State::kReady);
  ++streamsOpened_;
  http::RequestStream& stream = codec_->openStream(receiver);
  updateGauge();
  if (!mayTakeStream()) pool_.transition(*this, State::kBusy);
  return stream;
}

void PooledConnection::onConnectTimer() {
  const TimePoint now = pool_.context().deadlineNow();
  if (now >= connectBy_) {
    pool_.onConnectTimeout(*this);
    return;
  }
  if (connectBy_ != TimePoint::max()) connectTimer_->enable(connectBy_ - now);
  if (!answered_ && state_ == State::kConnecting) pool_.onLate(*this);
}

bool PooledConnection::mayTakeStream() const {
  return !silent() && codec_->canOpenStream() && activeStreams() < pool_.streamsPerConnection(protocol_);
}

void PooledConnection::onStreamCancelled() {
  if (protocol_ == Protocol::kHttp1) wire_->resetWhenFinished();
}

void PooledConnection::recordResult(bool success) {
  failuresInRow_ = success ? 0 : failuresInRow_ + 1;
  if (failuresInRow_ < kMaxFailuresInRow) return;
  if (state_ != State::kReady && state_ != State::kBusy) return;
  pool_.onUnreliable(*this);
}

void PooledConnection::onTcpConnected() {
  answered_ = true;
  heardKernel();
  pool_.onAnswered(*this);
}

void PooledConnection::onReady() {
  if (state_ != State::kConnecting && state_ != State::kLate) return;
  connectTimer_.reset();
  heardAt_ = pool_.context().now();
  if (const net::TlsInfo* tls = wire_->tls(); tls != nullptr) {
    pool_.stats().tlsUpstream.shookHands(tls->resumed, tls->ktls);
  }
  pool_.onReady(*this);
}

void PooledConnection::onHeard() {
  Context& context = pool_.context();
  heardAt_ = context.now();
  context.table.stampHeard(pool_.peer(), heardAt_);
}

void PooledConnection::heardKernel() {
  Context& context = pool_.context();
  context.table.stampKernelHeard(pool_.peer(), context.io.scheduler.now());
}

void PooledConnection::onSettled() {
  if (state_ == State::kConnecting || state_ == State::kLate || state_ == State::kCondemned) return;
  pool_.onStreamsChanged(*this);
}

void PooledConnection::lookAtFlow() {
  const auto sent = wire_->sendState();
  if (!sent) return;
  if (!sent->outstanding) acknowledged_ = wire_->bytesMoved();
  const bool was = silent();
  const bool elsewhere = was && pool_.answeredSince(*this, silentSince_);
  if (flow_.judge(*sent, elsewhere) == FlowSilence::State::kForgotten) {
    pool_.onForgotten(*this);
    return;
  }
  if (silent() && !was) silentSince_ = pool_.context().now();
  if (silent() != was) pool_.onSilence(*this);
  if (silent() && was && !elsewhere) pool_.race(*this);
}

void PooledConnection::onGoAway(uint32_t, std::string_view) {
  goingAway_ = true;
  if (state_ == State::kReady || state_ == State::kBusy) pool_.onGoingAway(*this);
  wire_->outputReady();
}

void PooledConnection::onEnded(const wire::End& end) {
  const health::ConnectEvidence evidence = health::classifyConnect(end.error);
  const bool answered = evidence == health::ConnectEvidence::kAlive || evidence == health::ConnectEvidence::kRefused;
  const bool byPeer = end.kind == wire::End::Kind::kRemoteEnded || end.kind == wire::End::Kind::kBroken ||
                      end.kind == wire::End::Kind::kConnectFailed;
  if (byPeer && (answered || end.kind == wire::End::Kind::kRemoteEnded)) heardKernel();
  connectTimer_.reset();
  endError_ = end.error;
  if (codec_->flood() != nullptr) pool_.stats().peerFloods.add();
  // A server that has nothing to say need not say goodbye.
  if (!is(end.error, TlsFailure::kTruncated) || activeStreams() > 0) pool_.stats().tlsUpstream.ended(end.error);
  pool_.onEnded(*this, end);
}

bool PooledConnection::wornOut() const {
  const net::TlsInfo* tls = wire_->tls();
  return codec_->wornOut() || (tls != nullptr && tls->keysWornOut);
}

bool PooledConnection::stillGood() const {
  if (protocol_ != Protocol::kHttp1 || streamsOpened_ == 0) return true;
  if (pool_.context().io.scheduler.now() - idleSince_ < kJustUsed) return true;
  return !wire_->readableNow();
}

void PooledConnection::updateGauge() {
  stats::PeerStats& stats = pool_.stats();
  stats::Value* now = nullptr;
  if (state_ == State::kConnecting || state_ == State::kLate) {
    now = &stats.connectionsConnecting;
  } else if (state_ != State::kClosed) {
    now = activeStreams() == 0 ? &stats.connectionsIdle : &stats.connectionsActive;
  }
  if (now == gauge_) return;
  if (gauge_ != nullptr) gauge_->sub();
  if (now != nullptr) now->add();
  gauge_ = now;
  if (now == &stats.connectionsIdle) idleSince_ = pool_.context().io.scheduler.now();
}

}  // namespace peerpulse::upstream
