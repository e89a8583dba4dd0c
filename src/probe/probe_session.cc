#include "probe_session.h"

#include <algorithm>
#include <utility>

#include "peerpulse/net/kernel_features.h"

namespace peerpulse::probe {

namespace {

constexpr uint32_t kEnhanceYourCalm = 0xb;  // RFC 9113 7

http::CodecLimits probeLimits() {
  http::CodecLimits limits;
  limits.maxConcurrentStreams = 1;
  limits.streamWindow = 64 * 1024;
  return limits;
}

// A lost PING is sent again after a round trip and 8 ms instead of 200 ms. A segment that was not lost and is sent
// again all the same (its process is paused, its ACK delayed) makes a living kernel acknowledge at once.
net::SocketOptions probeSocketOptions() {
  net::SocketOptions options;
  options.rtoMin = milliseconds(8);
  options.rtoMax = seconds(1);
  options.userTimeout = seconds(30);
  return options;
}

health::SegmentCounters countersOf(const net::TcpInfo& info) {
  health::SegmentCounters counters;
  counters.sent = info.segmentsOut.value_or(0);
  counters.retransmitted =
      info.totalRetransmits - std::min(info.totalRetransmits, info.duplicatesReported.value_or(0));
  counters.received = info.segmentsIn.value_or(0);
  counters.outOfOrder = info.outOfOrderReceived.value_or(0);
  return counters;
}

std::unique_ptr<http::ClientCodec> createCodec(health::ConnectionKind kind, http::ClientCodecOwner& owner) {
  return kind == health::ConnectionKind::kHttp2 ? http::createH2ClientCodec(owner, probeLimits())
                                                : http::createH1ClientCodec(owner, probeLimits());
}

}  // namespace

ProbeSession::ProbeSession(event::Dispatcher& dispatcher, net::ReadBlocks& blocks, const SocketAddress& address,
                           const health::OpenConnection& what, std::string healthPath, Report report)
    : authority_(address.isUnix() ? "localhost" : address.toString()),
      healthPath_(std::move(healthPath)),
      epoch_(what.epoch),
      kind_(what.kind),
      report_(std::move(report)),
      healthCheck_([this](int status) {
        this->report(health::HealthAnswered{epoch_, status});
      }),
      codec_(createCodec(kind_, *this)),
      connection_(net::Connection::connectTo(dispatcher, blocks, address, probeSocketOptions(), *this)) {}

void ProbeSession::report(const health::Event& event) {
  reported_ = true;
  if (!over_) report_(event);
}

void ProbeSession::onConnected() {
  if (kind_ == health::ConnectionKind::kHealthGet) healthCheck_.send(*codec_, authority_, healthPath_);
  report(health::Connected{epoch_});
  reported_ = false;
  send();
}

void ProbeSession::sendPing(uint32_t sequence) {
  if (over_) return;
  codec_->submitPing(static_cast<uint64_t>(epoch_) << 32 | sequence);
  send();
}

void ProbeSession::send() {
  if (!outputReady_ || over_ || receiving_ || connection_->state() != net::Connection::State::kOpen) return;
  if (connection_->output().size() < net::Connection::kOutputLimit) {
    outputReady_ = false;
    codec_->produce(connection_->output(), net::Connection::kOutputLimit);
    if (connection_->output().size() >= net::Connection::kOutputLimit) outputReady_ = true;  // not all of it
  }
  connection_->flush();
}

void ProbeSession::onRead(Slice data) {
  if (over_) return;
  receiving_ = true;
  const Result<void> received = codec_->receive(std::move(data));
  receiving_ = false;
  if (over_) return;
  if (!received || codec_->finished()) {
    report(health::Received{epoch_});
    end(0, !received);
  }
}

void ProbeSession::onReadDone() {
  if (over_) return;
  if (!reported_) report(health::Received{epoch_});
  reported_ = false;
  send();
}

void ProbeSession::onEof() {
  if (over_) return;
  codec_->receiveEof();
  end(0, false);
}

void ProbeSession::onWritable() { send(); }

void ProbeSession::onClosed(const Error& error) {
  if (over_) return;
  codec_->connectionLost(error.message);
  end(error.code, false);
}

void ProbeSession::onGoAway(uint32_t errorCode, std::string_view debugData) {
  report(health::GoneAway{epoch_, errorCode == kEnhanceYourCalm});
}

void ProbeSession::onPingAck(uint64_t payload) {
  report(health::PingAcked{static_cast<uint32_t>(payload >> 32), static_cast<uint32_t>(payload)});
}

void ProbeSession::end(int error, bool notHttp2) { report(health::Closed{epoch_, error, notHttp2}); }

void ProbeSession::close() {
  if (over_) return;
  over_ = true;
  connection_->abort();
}

std::optional<health::KernelView> ProbeSession::kernelView() const {
  if (over_ || connection_->state() != net::Connection::State::kOpen) return std::nullopt;
  const auto info = net::readTcpInfo(connection_->fd());
  if (!info.has_value()) return std::nullopt;
  health::KernelView view;
  view.lastAckReceived = info->lastAckReceived;
  view.unacked = info->unacked;
  view.rtt = info->rtt;
  view.rttVariation = info->rttVariation;
  view.retransmitsQuickly = net::kernelFeatures().rtoMin();
  view.segments = countersOf(*info);
  return view;
}

}  // namespace peerpulse::probe
