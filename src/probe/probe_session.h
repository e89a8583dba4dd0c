// ProbeSession: one probe connection to a peer, from connect to its end: HTTP/2 with PINGs, or one health
// GET. It reports what happens as events of its epoch, in the moment it is read.
//
//   connecting --Connected--> open --Closed--> over        close() from any state: over, silently
//
// A PING's payload is epoch << 32 | sequence, so that an ACK cannot be taken for another connection's.
//
// Threading: the prober's thread.
// Ownership: its callbacks may run inside it, so it goes through Dispatcher::deferredDelete().
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
#include "peerpulse/net/connection.h"

namespace peerpulse::probe {

class ProbeSession : public event::DeferredDeletable, net::ConnectionCallbacks, http::ClientCodecOwner {
 public:
  using Report = std::function<void(const health::Event&)>;

  /// `healthPath` is for ConnectionKind::kHealthGet. The first report comes after this has returned.
  ProbeSession(event::Dispatcher& dispatcher, net::ReadBlocks& blocks, const SocketAddress& address,
               const health::OpenConnection& what, std::string healthPath, Report report);

  /// Requires that Connected was reported.
  void sendPing(uint32_t sequence);
  /// Ends it by RST (no exchange was on it); nothing is reported any more.
  void close();

  std::optional<health::KernelView> kernelView() const;
  uint32_t epoch() const { return epoch_; }
  /// The descriptor, and what to poll it for; -1 when over.
  int fd() const { return over_ ? -1 : connection_->fd(); }
  bool connecting() const { return connection_->state() == net::Connection::State::kConnecting; }

 private:
  void onConnected() override;
  void onRead(Slice data) override;
  void onReadDone() override;
  void onEof() override;
  void onWritable() override;
  void onClosed(const Error& error) override;
  void onOutputReady() override { outputReady_ = true; }  // send() takes it once the codec has returned
  void onCapacityChanged() override {}
  void onGoAway(uint32_t errorCode, std::string_view debugData) override;
  void onPingAck(uint64_t payload) override;

  void send();
  void report(const health::Event& event);
  void end(int error, bool notHttp2);

  std::string authority_;
  std::string healthPath_;
  uint32_t epoch_;
  health::ConnectionKind kind_;
  Report report_;
  HealthCheck healthCheck_;
  std::unique_ptr<http::ClientCodec> codec_;
  std::unique_ptr<net::Connection> connection_;
  bool reported_ = false;    // in this turn's reading: anything said more than that bytes came
  bool receiving_ = false;   // the codec is on the stack: what it has to say waits for onReadDone()
  bool outputReady_ = true;  // the codec has something to send: at first, its preface
  bool over_ = false;
};

}  // namespace peerpulse::probe
