// ProbeSession: one probe connection to a peer, from connect to its end: HTTP/2 with PINGs, or HTTP/1.1 with a request
// now and then. It reports what happens as events of its epoch, in the moment it is read.
//
//   connecting --Connected--> open --Closed--> over        close() from any state: over, silently
//
// Over TLS Reached comes first, and Connected when the handshake is done; a peer that then does not choose HTTP/2 (ALPN)
// speaks none.
//
// A PING's payload is epoch << 32 | sequence, so that an ACK cannot be taken for another connection's.
//
// Threading: the prober's thread.
// Ownership: its callbacks may run inside it, so it goes through Scheduler::deferredDelete().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "health_check.h"
#include "peerpulse/health/probe_action.h"
#include "peerpulse/health/probe_event.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/wire/codec_connection.h"

namespace peerpulse::probe {

class ProbeSession : public event::DeferredDeletable, wire::CodecConnectionOwner, http::ClientCodecOwner {
 public:
  using Report = std::function<void(const health::Event&)>;

  /// `healthPath` is for ConnectionKind::kRequests. The first report comes after this has returned.
  /// `authority`: of its requests. `source`: what it comes from (net::bindSource()).
  ProbeSession(wire::IoContext& io, net::Connector& connector, const net::Destination& to,
               const SocketAddress& source, std::string authority, const health::OpenConnection& what,
               std::string healthPath, Report report);

  /// Requires that Connected was reported.
  void sendPing(uint32_t sequence);
  /// Requires that Connected was reported, and no request waits for its answer.
  void sendRequest();
  /// Makes the peer's kernel acknowledge, so that kernelView() shows whether it lives; nothing if something came within the
  /// last second. Requires that Connected was reported.
  void drawAck();
  /// Nothing is reported any more.
  enum class Leave : uint8_t {
    kInOrder,  ///< FIN, with GOAWAY where there is one
    kReset,    ///< RST, now: nobody may be there to take leave of
  };
  void close(Leave leave);

  std::optional<health::KernelView> kernelView() const;
  uint32_t epoch() const { return epoch_; }
  /// The descriptor, and what to poll it for; -1 when over.
  int fd() const { return connection_.fd(); }
  /// When the peer's certificate expires, in seconds since 1970; 0: it has shown none.
  uint64_t certificateNotAfter() const;
  bool connecting() const { return connection_.state() == wire::CodecConnection::State::kConnecting; }

 private:
  // wire::CodecConnectionOwner
  void onTcpConnected() override;
  void onReady() override;
  void onHeard() override { heard_ = true; }
  void onSettled() override;
  void onEnded(const wire::End& end) override;
  // http::ClientCodecOwner
  void onOutputReady() override { connection_.outputReady(); }
  void onCapacityChanged() override {}
  void onGoAway(uint32_t errorCode, std::string_view debugData) override;
  void onPingAck(uint64_t payload) override;

  std::unique_ptr<http::Codec> makeCodec();
  void report(const health::Event& event);

  std::string authority_;
  std::string healthPath_;
  uint32_t epoch_;
  health::ConnectionKind kind_;
  Report report_;
  HealthCheck healthCheck_;
  http::ClientCodec* codec_ = nullptr;  // the connection's
  wire::CodecConnection connection_;
  bool heard_ = false;     // in this turn's reading: bytes came
  bool reported_ = false;  // and something was said of them
  bool over_ = false;      // close() was called
  /// Keepalive probes are due after a second of silence; segments that had been sent when that was asked for.
  mutable std::optional<uint32_t> drawnFrom_;
};

}  // namespace peerpulse::probe
