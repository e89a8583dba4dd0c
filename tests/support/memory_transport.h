// MemoryTransport: a process's end of a connection in a MemoryNetwork, as PlainTransport is of a real one; and the
// Connector that opens them.
//
// Threading: its scheduler's thread. Ownership: a Transport is its Connection's; network and scheduler outlive it.
//   Destroyed without close(): closed, as a descriptor is.
#pragma once

#include <memory>

#include "peerpulse/net/transport.h"
#include "tcp_end.h"
#include "virtual_scheduler.h"

namespace peerpulse::test {

class MemoryTransport final : public net::Transport, VirtualScheduler::Source {
 public:
  MemoryTransport(MemoryNetwork& network, VirtualScheduler& scheduler, TcpEnd& end);
  ~MemoryTransport() override;

  void attach(net::TransportEvents& events) override;
  void watch(uint32_t events) override { Source::watch(events); }
  int connectResult() override { return end_ != nullptr ? end_->takeError() : ECONNRESET; }
  net::IoResult handshake() override { return net::IoResult::moved(0); }
  net::IoResult read(const iovec* entries, int count) override;
  net::IoResult write(const iovec* entries, int count) override;
  Result<void> shutdownWrite() override;
  void close(bool reset) override;
  bool readableNow() const override { return end_ != nullptr && end_->readableNow(); }
  std::optional<net::LastHeard> lastHeard() const override;
  std::optional<net::SendState> sendState() const override;
  int fd() const override { return -1; }

  // For the network.
  using Source::wake;
  /// The process is gone; the handle does nothing any more.
  void processEnded();

 private:
  uint32_t holds() const override;
  void onReady(uint32_t events) override { events_->onTransportReady(events); }
  void release();

  MemoryNetwork& network_;
  TcpEnd* end_;  // null: closed, or the process has ended
  net::TransportEvents* events_ = nullptr;
};

/// Connects from one host. Addresses that no host has are silent. Unix addresses: EAFNOSUPPORT.
class MemoryConnector final : public net::Connector {
 public:
  MemoryConnector(MemoryNetwork& network, HostId host, VirtualScheduler& scheduler)
      : network_(network), host_(host), scheduler_(scheduler) {}
  /// Of the options only the user timeout means anything here.
  Result<std::unique_ptr<net::Transport>> connect(const SocketAddress& address,
                                                  const net::SocketOptions& options) override;

 private:
  MemoryNetwork& network_;
  HostId host_;
  VirtualScheduler& scheduler_;
};

}  // namespace peerpulse::test
