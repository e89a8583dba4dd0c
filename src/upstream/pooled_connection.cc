#include "peerpulse/upstream/pooled_connection.h"

#include "peerpulse/health/connect_evidence.h"
#include "peerpulse/upstream/connection_pool.h"

namespace peerpulse::upstream {

namespace {

constexpr uint32_t kMaxFailuresInRow = 3;
// Bulk bodies wait in our bounded buffers, not in the kernel's: a reset or a stall then costs little.
constexpr uint32_t kBulkNotSentLowat = 512 * 1024;

net::SocketOptions socketOptions(const TcpOptions& tcp, TrafficClass trafficClass) {
  net::SocketOptions options;
  options.keepaliveIdle = tcp.keepaliveIdle;
  options.keepaliveInterval = tcp.keepaliveInterval;
  options.keepaliveProbes = static_cast<int>(tcp.keepaliveProbes);
  options.userTimeout = tcp.userTimeout;
  if (trafficClass == TrafficClass::kBulk) options.notSentLowat = kBulkNotSentLowat;
  return options;
}

}  // namespace

PooledConnection::PooledConnection(ConnectionPool& pool) : pool_(pool) {
  PoolContext& context = pool_.context_;
  codec_ = pool_.protocol_ == Protocol::kHttp2 ? http::createH2ClientCodec(*this, context.limits)
                                               : http::createH1ClientCodec(*this, context.limits);
  connection_ = net::Connection::connectTo(context.dispatcher, context.blocks, pool_.address_,
                                           socketOptions(context.tcp, pool_.class_), *this);
  if (pool_.connectTimeout_ > Duration::zero()) {
    connectTimer_ = context.dispatcher.createTimer([this] {
      pool_.onConnectFailed(*this, PoolFailure::kConnectTimeout, Error{"connect timed out", ETIMEDOUT});
    });
    connectTimer_->enable(pool_.connectTimeout_);
  }
}

PooledConnection::~PooledConnection() = default;

http::RequestStream& PooledConnection::openStream(http::ResponseReceiver& receiver) {
  PP_ASSERT(state_ == State::kReady);
  ++streamsOpened_;
  http::RequestStream& stream = codec_->openStream(receiver);
  updateGauge();
  if (!codec_->canOpenStream() || activeStreams() >= pool_.streamsPerConnection()) {
    pool_.transition(*this, State::kBusy);
  }
  return stream;
}

void PooledConnection::recordResult(bool success) {
  failuresInRow_ = success ? 0 : failuresInRow_ + 1;
  if (failuresInRow_ < kMaxFailuresInRow) return;
  if (state_ != State::kReady && state_ != State::kBusy) return;
  pool_.stats_.evictionsTotal.add();
  pool_.transition(*this, State::kDraining);
  codec_->drain();
  pool_.context_.flushQueue.add(*this);
}

void PooledConnection::onConnected() {
  if (state_ != State::kConnecting) return;
  connectTimer_.reset();
  heardKernel();
  pool_.onConnectionReady(*this);
}

void PooledConnection::onRead(Slice data) {
  pool_.context_.table.stampHeard(pool_.peer_, pool_.context_.dispatcher.now());
  if (state_ == State::kCondemned) return;  // alive after all, but its exchanges are being failed
  if (auto received = codec_->receive(std::move(data)); !received) shut(received.error().message, false);
}

// SYN-ACK, FIN and RST come from the peer's kernel, whatever its process does.
void PooledConnection::heardKernel() {
  pool_.context_.table.stampKernelHeard(pool_.peer_, pool_.context_.dispatcher.now());
}

void PooledConnection::onReadDone() { flushNow(); }

void PooledConnection::onEof() {
  heardKernel();
  codec_->receiveEof();
  shut("the peer closed the connection", false);
}

void PooledConnection::onWritable() { connection_->sendFrom(*codec_); }

void PooledConnection::onClosed(const Error& error) {
  const health::ConnectEvidence evidence = health::classifyConnect(error.code);
  if (evidence == health::ConnectEvidence::kAlive || evidence == health::ConnectEvidence::kRefused) heardKernel();
  if (state_ == State::kConnecting) {
    pool_.onConnectFailed(*this, PoolFailure::kConnectFailed, error);
  } else {
    shut(error.message, false);
  }
}

void PooledConnection::onOutputReady() { flushLater(); }

void PooledConnection::onCapacityChanged() { flushLater(); }

// What a condemned connection has to say leads nowhere.
void PooledConnection::flushLater() {
  if (state_ != State::kCondemned) pool_.context_.flushQueue.add(*this);
}

void PooledConnection::onGoAway(uint32_t, std::string_view) {
  if (state_ == State::kReady || state_ == State::kBusy) pool_.transition(*this, State::kDraining);
  pool_.context_.flushQueue.add(*this);
}

void PooledConnection::flushNow() {
  if (state_ == State::kClosed || state_ == State::kConnecting || state_ == State::kCondemned) return;
  connection_->sendFrom(*codec_);
  if (state_ == State::kClosed) return;
  if (codec_->finished() && connection_->output().empty()) {
    shut("the connection is finished", cancelled_ && pool_.protocol_ == Protocol::kHttp1);
    return;
  }
  connection_->setReadEnabled(codec_->wantsRead());
  pool_.onStreamsChanged(*this);
}

void PooledConnection::updateGauge() {
  stats::PeerStats& stats = pool_.stats_;
  stats::Value* now = nullptr;
  if (state_ == State::kConnecting) {
    now = &stats.connectionsConnecting;
  } else if (state_ != State::kClosed) {
    now = activeStreams() == 0 ? &stats.connectionsIdle : &stats.connectionsActive;
  }
  if (now == gauge_) return;
  if (gauge_ != nullptr) gauge_->sub();
  if (now != nullptr) now->add();
  gauge_ = now;
  if (now == &stats.connectionsIdle) idleSince_ = pool_.context_.dispatcher.now();
}

bool PooledConnection::readableNow() const { return net::readableNow(connection_->fd()); }

void PooledConnection::shut(std::string_view why, bool reset) {
  if (state_ == State::kClosed) return;
  pool_.transition(*this, State::kClosed);  // first: callbacks below may ask the pool for connections
  connectTimer_.reset();
  unlink();
  codec_->connectionLost(why);
  if (reset) {
    connection_->abort();
  } else {
    connection_->close();
  }
}

}  // namespace peerpulse::upstream
