#include "memory_transport.h"

#include "memory_network.h"
#include "peerpulse/base/assert.h"

namespace peerpulse::test {

MemoryTransport::MemoryTransport(MemoryNetwork& network, VirtualScheduler& scheduler, TcpEnd& end)
    : Source(scheduler), network_(network), end_(&end) {
  network_.transportOpened(end.host());
}

MemoryTransport::~MemoryTransport() { close(false); }

void MemoryTransport::attach(net::TransportEvents& events) {
  PP_ASSERT(events_ == nullptr);
  events_ = &events;
}

net::IoResult MemoryTransport::read(const iovec* entries, int count) {
  return end_ != nullptr ? end_->read(entries, count) : net::IoResult::failed(ECONNRESET);
}

net::IoResult MemoryTransport::write(const iovec* entries, int count) {
  return end_ != nullptr ? end_->write(entries, count) : net::IoResult::failed(ECONNRESET);
}

Result<void> MemoryTransport::shutdownWrite() {
  if (end_ == nullptr) return systemError("shutdown", ENOTCONN);
  return end_->shutdownWrite();
}

void MemoryTransport::close(bool reset) {
  if (end_ == nullptr) return;
  TcpEnd& end = *end_;
  release();
  end.close(reset);
  network_.settle(end);
}

void MemoryTransport::processEnded() {
  if (end_ != nullptr) release();
}

void MemoryTransport::release() {
  network_.transportClosed(end_->host());
  end_ = nullptr;
  Source::watch(0);
}

std::optional<net::LastHeard> MemoryTransport::lastHeard() const {
  if (end_ == nullptr) return std::nullopt;
  net::LastHeard heard = end_->lastHeard();
  if (!readableNow()) heard.unread.reset();
  return heard;
}

std::optional<net::SendState> MemoryTransport::sendState() const {
  return end_ != nullptr ? std::optional(end_->sendState()) : std::nullopt;
}

uint32_t MemoryTransport::holds() const {
  return end_ == nullptr || events_ == nullptr || network_.stopped(end_->host()) ? 0 : end_->holds();
}

Result<std::unique_ptr<net::Transport>> MemoryConnector::connect(const SocketAddress& address,
                                                                 const net::SocketOptions& options) {
  const std::string what = "connect " + address.toString();
  if (const int error = network_.connectError(host_); error != 0) return systemError(what, error);
  const auto to = network_.hostOf(address);
  if (!to) return systemError(what, EAFNOSUPPORT);
  TcpEnd& end = network_.newConnection(host_, *to);
  auto transport = std::make_unique<MemoryTransport>(network_, scheduler_, end);
  end.connect(address.port(), *transport, options);
  return std::unique_ptr<net::Transport>(std::move(transport));
}

}  // namespace peerpulse::test
