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

}  // namespace

ProbeSession::ProbeSession(wire::IoContext& io, const SocketAddress& address, const health::OpenConnection& what,
                           std::string healthPath, Report report)
    : authority_(address.isUnix() ? "localhost" : address.toString()),
      healthPath_(std::move(healthPath)),
      epoch_(what.epoch),
      kind_(what.kind),
      report_(std::move(report)),
      healthCheck_([this](int status) {
        this->report(health::HealthAnswered{epoch_, status});
      }),
      connection_(io, address, probeSocketOptions(), makeCodec(), *this) {
  connection_.resetWhenFinished();  // whoever ends it: neither side keeps a TIME_WAIT
}

std::unique_ptr<http::Codec> ProbeSession::makeCodec() {
  auto codec = kind_ == health::ConnectionKind::kHttp2 ? http::createH2ClientCodec(*this, probeLimits())
                                                       : http::createH1ClientCodec(*this, probeLimits());
  codec_ = codec.get();
  return codec;
}

void ProbeSession::report(const health::Event& event) {
  reported_ = true;
  if (!over_) report_(event);
}

void ProbeSession::onReady() {
  if (kind_ == health::ConnectionKind::kHealthGet) healthCheck_.send(*codec_, authority_, healthPath_);
  report(health::Connected{epoch_});
}

void ProbeSession::sendPing(uint32_t sequence) {
  connection_.sendNow([&] { codec_->submitPing(static_cast<uint64_t>(epoch_) << 32 | sequence); });
}

void ProbeSession::onSettled() {
  const bool unreported = !std::exchange(reported_, false);
  if (std::exchange(heard_, false) && unreported) report(health::Received{epoch_});
}

void ProbeSession::onEnded(const wire::End& end) {
  if (end.kind == wire::End::Kind::kLocal) return;
  codec_->connectionLost(end.detail);  // that a health check broke off is said first
  const bool notHttp2 = end.kind == wire::End::Kind::kProtocol;
  if (notHttp2 || end.kind == wire::End::Kind::kFinished) report(health::Received{epoch_});
  report(health::Closed{epoch_, end.error, notHttp2});
}

void ProbeSession::onGoAway(uint32_t errorCode, std::string_view debugData) {
  report(health::GoneAway{epoch_, errorCode == kEnhanceYourCalm});
}

void ProbeSession::onPingAck(uint64_t payload) {
  report(health::PingAcked{static_cast<uint32_t>(payload >> 32), static_cast<uint32_t>(payload)});
}

void ProbeSession::close() {
  over_ = true;
  connection_.abort("closed by the prober");
}

std::optional<health::KernelView> ProbeSession::kernelView() const {
  if (connection_.state() != wire::CodecConnection::State::kOpen) return std::nullopt;
  const auto info = net::readTcpInfo(connection_.fd());
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
