// PlainTransport: a non-blocking stream socket (TCP or unix) as a Transport, and the Connector that opens them.
//
// Threading: the dispatcher's thread. Ownership: owns the descriptor.
#pragma once

#include <memory>

#include "peerpulse/base/fd.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/net/descriptor_shares.h"
#include "peerpulse/net/transport.h"

namespace peerpulse::net {

class PlainTransport final : public Transport {
 public:
  /// Of a connection that was accepted: small answers must not wait for the client's ACKs (TCP_NODELAY), and a client that
  /// is gone is found (keepalive). A socket that refuses an option carries traffic all the same.
  static std::unique_ptr<PlainTransport> accepted(event::Dispatcher& dispatcher, Fd fd);
  /// `fd` is non-blocking, and on its way to be connected; its options are the caller's.
  PlainTransport(event::Dispatcher& dispatcher, Fd fd) : dispatcher_(dispatcher), fd_(std::move(fd)) {}

  void attach(TransportEvents& events) override;
  void watch(uint32_t events) override;
  int connectResult() override;
  IoResult handshake() override { return IoResult::moved(0); }
  IoResult read(const iovec* entries, int count) override;
  IoResult write(const iovec* entries, int count) override;
  Result<void> shutdownWrite() override;
  void close(bool reset) override;
  bool readableNow() const override;
  std::optional<LastHeard> lastHeard() const override;
  std::optional<SendState> sendState() const override;
  int fd() const override { return fd_.get(); }

 private:
  event::Dispatcher& dispatcher_;
  Fd fd_;
  std::unique_ptr<event::FileEvent> event_;
};

class PlainConnector final : public Connector {
 public:
  /// `shares`, if there are any, bound what is opened as DescriptorUse::kUpstream: beyond that connect() fails by EMFILE.
  /// `mark` is that of its sockets (setMark()).
  explicit PlainConnector(event::Dispatcher& dispatcher, const DescriptorShares* shares = nullptr, uint32_t mark = 0)
      : dispatcher_(dispatcher), shares_(shares), mark_(mark) {}
  Result<std::unique_ptr<Transport>> connect(const SocketAddress& address, const SocketOptions& options) override;

 private:
  event::Dispatcher& dispatcher_;
  const DescriptorShares* shares_;
  const uint32_t mark_;
};

}  // namespace peerpulse::net
