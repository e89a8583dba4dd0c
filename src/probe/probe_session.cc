#include "probe_session.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "peerpulse/base/tls_failure.h"
#include "peerpulse/net/kernel_features.h"

namespace peerpulse::probe {

namespace {

constexpr uint32_t kEnhanceYourCalm = 0xb;  // RFC 9113 7

// The least that the kernel takes, and then its timer fires at once if nothing came for so long.
constexpr Duration kDrawIdle = seconds(1);
// So that firewalls on the way do not forget the connection.
constexpr Duration kKeepIdle = seconds(30);

http::CodecLimits probeLimits() {
  http::CodecLimits limits;
  limits.maxConcurrentStreams = 1;
  limits.streamWindow = 64 * 1024;
  return limits;
}

// A lost PING is sent again after a round trip and 8 ms instead of 200 ms. A segment that was not lost and is sent
// again all the same (its process is paused, its ACK delayed) makes a living kernel acknowledge at once.
net::SocketOptions probeSocketOptions(const SocketAddress& source) {
  net::SocketOptions options;
  options.rtoMin = milliseconds(8);
  options.rtoMax = seconds(1);
  options.userTimeout = seconds(30);
  options.keepaliveIdle = kKeepIdle;
  options.source = source;
  options.keepaliveProbes = 127;  // each that is drawn counts as one
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

ProbeSession::ProbeSession(wire::IoContext& io, net::Connector& connector, const net::Destination& to,
                           const SocketAddress& source, std::string authority, const health::OpenConnection& what,
                           std::string healthPath, Report report)
    : authority_(std::move(authority)),
      healthPath_(std::move(healthPath)),
      epoch_(what.epoch),
      kind_(what.kind),
      report_(std::move(report)),
      healthCheck_([this](int status) {
        this->report(health::HealthAnswered{epoch_, status});
      }),
      connection_(io, connector, to, probeSocketOptions(source), makeCodec(), *this) {
  // Whoever ends it: neither side keeps a TIME_WAIT.
  if (kind_ == health::ConnectionKind::kHttp2) connection_.resetWhenFinished();
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

void ProbeSession::onTcpConnected() {
  if (connection_.tls() != nullptr) report(health::Reached{epoch_});
}

void ProbeSession::onReady() { report(health::Connected{epoch_}); }

void ProbeSession::sendPing(uint32_t sequence) {
  connection_.sendNow([&] { codec_->submitPing(static_cast<uint64_t>(epoch_) << 32 | sequence); });
}

void ProbeSession::sendRequest() {
  if (over_ || connection_.ended()) return;
  bool sent = false;
  connection_.sendNow([&] { sent = healthCheck_.send(*codec_, authority_, healthPath_); });
  // Its end is on the way, or the last answer has none: another connection is needed.
  if (!sent) report(health::Closed{epoch_, ECONNABORTED, false});
}

void ProbeSession::drawAck() {
  if (over_ || connection_.state() != wire::CodecConnection::State::kOpen) return;
  const auto info = net::readTcpInfo(connection_.fd());
  if (!info || !net::setKeepaliveIdle(connection_.fd(), kDrawIdle)) return;
  drawnFrom_ = info->segmentsOut.value_or(0);
}

void ProbeSession::onSettled() {
  const bool unreported = !std::exchange(reported_, false);
  if (std::exchange(heard_, false) && unreported) report(health::Received{epoch_});
}

void ProbeSession::onEnded(const wire::End& end) {
  if (end.kind == wire::End::Kind::kLocal) return;
  codec_->connectionLost(end.detail);  // that a health check broke off is said first
  const bool broke = end.kind == wire::End::Kind::kProtocol;
  const bool notHttp2 = broke || is(end.error, TlsFailure::kNoHttp2);
  if (broke || end.kind == wire::End::Kind::kFinished) report(health::Received{epoch_});
  report(health::Closed{epoch_, end.error, notHttp2});
}

void ProbeSession::onGoAway(uint32_t errorCode, std::string_view debugData) {
  report(health::GoneAway{epoch_, errorCode == kEnhanceYourCalm});
}

void ProbeSession::onPingAck(uint64_t payload) {
  report(health::PingAcked{static_cast<uint32_t>(payload >> 32), static_cast<uint32_t>(payload)});
}

void ProbeSession::close(Leave leave) {
  over_ = true;
  if (leave == Leave::kInOrder && connection_.state() == wire::CodecConnection::State::kOpen) {
    connection_.close("closed by the prober");
  } else {
    connection_.abort("closed by the prober");
  }
}

uint64_t ProbeSession::certificateNotAfter() const {
  const net::TlsInfo* tls = connection_.tls();
  if (tls == nullptr || !tls->peerNotAfter) return 0;
  return static_cast<uint64_t>(std::chrono::system_clock::to_time_t(*tls->peerNotAfter));
}

std::optional<health::KernelView> ProbeSession::kernelView() const {
  if (connection_.state() != wire::CodecConnection::State::kOpen) return std::nullopt;
  const auto info = net::readTcpInfo(connection_.fd());
  if (!info.has_value()) return std::nullopt;
  // Or a probe a second would go on, and none could be drawn. Not before it has left, which on a busy host takes the kernel its
  // time: that would call it back, and its silence be taken for the peer's. Where segments are not counted nobody can tell.
  const bool left = !info->segmentsOut || *info->segmentsOut != drawnFrom_;
  if (drawnFrom_ && left) {
    drawnFrom_.reset();
    (void)net::setKeepaliveIdle(connection_.fd(), kKeepIdle);
  }
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
