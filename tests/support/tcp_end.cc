#include "tcp_end.h"

#include <algorithm>
#include <utility>

#include "memory_network.h"
#include "memory_transport.h"
#include "peerpulse/base/assert.h"

namespace peerpulse::test {

namespace {

using net::IoResult;
using Kind = Packet::Kind;

bool legal(TcpState from, TcpState to) {
  switch (from) {
    case TcpState::kNone: return to == TcpState::kSynSent || to == TcpState::kSynReceived;
    case TcpState::kSynSent: return to == TcpState::kOpen || to == TcpState::kBroken || to == TcpState::kNone;
    case TcpState::kSynReceived: return to == TcpState::kOpen || to == TcpState::kNone;
    case TcpState::kOpen: return to == TcpState::kBroken || to == TcpState::kNone;
    case TcpState::kBroken: return to == TcpState::kNone;
  }
  return false;
}

}  // namespace

void TcpEnd::Stream::dropUnsent() {
  if (sent > written) return;  // the FIN is on its way: there is nothing behind it
  fin = false;
  bytes.dropBack(static_cast<size_t>(written - sent));
  written = sent;
}

void TcpEnd::Stream::clear() {
  bytes.clear();
  written = sent = acked = edge = arrived = read = 0;
  fin = false;
}

void TcpEnd::face(MemoryNetwork& network, TcpEnd& remote, uint32_t pair, bool server) {
  network_ = &network;
  remote_ = &remote;
  pair_ = pair;
  server_ = server;
}

void TcpEnd::reset(HostId host) {
  PP_ASSERT(handle_ == nullptr && !linked());
  host_ = host;
  state_ = TcpState::kNone;
  timerSet_ = choked_ = false;
  syns_ = 0;
  again_ = bareAcks_ = 0;
  error_ = 0;
  out_.clear();
  told_ = 0;
  heard_ = dataHeard_ = silentSince_ = network_->now();
  resentAt_ = TimePoint();
  rto_ = userTimeout_ = Duration::zero();
}

void TcpEnd::enter(TcpState to) {
  PP_ASSERT(legal(state_, to));
  state_ = to;
}

bool TcpEnd::done() const {
  // Open and everything acknowledged: FIN_WAIT2 or TIME_WAIT, which do nothing of their own.
  return orphan() && (state_ == TcpState::kNone || (state_ == TcpState::kOpen && !out_.outstanding()));
}

void TcpEnd::wake() {
  if (handle_ != nullptr) handle_->wake();
}

void TcpEnd::connect(uint16_t port, MemoryTransport& handle, const net::SocketOptions& options) {
  handle_ = &handle;
  remote_->port_ = port;
  userTimeout_ = options.userTimeout;
  begun_ = network_->now();
  enter(TcpState::kSynSent);
  ++syns_;
  send(Kind::kSyn);
}

void TcpEnd::accepted(MemoryTransport& handle) {
  unlink();
  handle_ = &handle;
}

IoResult TcpEnd::read(const iovec* entries, int count) {
  Stream& in = remote_->out_;
  size_t wanted = 0;
  for (int i = 0; i < count; ++i)
    wanted += entries[i].iov_len;
  const size_t n = network_->split(std::min(wanted, in.readable()));
  if (n == 0) {
    if (in.finArrived()) return IoResult::end();
    if (error_ != 0) return IoResult::failed(takeError());
    return state_ == TcpState::kBroken ? IoResult::end() : IoResult::again(net::ready::kRead);
  }
  for (size_t left = n; left > 0; ++entries) {
    const size_t part = std::min(left, entries->iov_len);
    in.bytes.take(entries->iov_base, part);
    left -= part;
  }
  in.read += n;
  // As much news of room as is worth a packet (RFC 9293 3.8.6.2.2).
  const size_t window = network_->optionsOf(host_).receiveWindow;
  if (state_ == TcpState::kOpen && !in.finArrived() && edge() - told_ >= std::max<size_t>(1, window / 2)) {
    send(Kind::kAck);
  }
  return IoResult::moved(n);
}

IoResult TcpEnd::write(const iovec* entries, int count) {
  if (state_ == TcpState::kSynSent) return IoResult::again(net::ready::kWrite);
  if (state_ == TcpState::kBroken || out_.fin) return IoResult::failed(error_ != 0 ? takeError() : EPIPE);
  size_t offered = 0;
  for (int i = 0; i < count; ++i)
    offered += entries[i].iov_len;
  if (std::exchange(choked_, false)) return IoResult::again(net::ready::kWrite);
  const size_t fits = std::min(offered, room());
  const size_t n = network_->split(fits);
  choked_ = n < fits;
  if (n == 0) return offered == 0 ? IoResult::moved(0) : IoResult::again(net::ready::kWrite);
  for (size_t left = n; left > 0; ++entries) {
    const size_t part = std::min(left, entries->iov_len);
    out_.bytes.append(entries->iov_base, part);
    left -= part;
  }
  out_.written += n;
  pump();
  return IoResult::moved(n);
}

Result<void> TcpEnd::shutdownWrite() {
  if (state_ != TcpState::kOpen) return systemError("shutdown", ENOTCONN);
  if (!out_.fin) {
    out_.fin = true;
    pump();
    wake();
  }
  return {};
}

void TcpEnd::close(bool reset) {
  handle_ = nullptr;
  if (state_ != TcpState::kOpen) {
    if (state_ != TcpState::kNone) enter(TcpState::kNone);
    return;
  }
  const Stream& in = remote_->out_;
  const bool overAlready = out_.fin && in.finArrived();
  if (in.readable() > 0 || (reset && !overAlready)) {
    out_.dropUnsent();
    send(Kind::kReset);
    enter(TcpState::kNone);
    return;
  }
  out_.fin = true;
  pump();
}

int TcpEnd::takeError() { return std::exchange(error_, 0); }

uint32_t TcpEnd::holds() const {
  if (state_ == TcpState::kSynSent) return 0;
  const Stream& in = remote_->out_;
  const bool ended = in.finArrived();
  if (state_ == TcpState::kBroken || error_ != 0 || (ended && out_.fin))
    return net::ready::kRead | net::ready::kWrite;
  uint32_t events = 0;
  if (in.readable() > 0 || ended) events |= net::ready::kRead;
  // A third of the buffer (sk_stream_is_writeable()).
  const size_t free = room();
  const uint64_t queued = out_.written - out_.acked;
  if (out_.fin || (free > 0 && free >= queued / 2)) events |= net::ready::kWrite;
  return events;
}

bool TcpEnd::readableNow() {
  const Stream& in = remote_->out_;
  if (in.readable() > 0 || in.finArrived()) return true;
  return error_ != 0 || state_ == TcpState::kBroken;
}

net::LastHeard TcpEnd::lastHeard() const {
  const Duration tick = network_->options().tick;
  const auto age = [&](TimePoint t) {
    return (network_->now().time_since_epoch() / tick - t.time_since_epoch() / tick) * tick;
  };
  net::LastHeard heard;
  heard.ack = age(heard_);
  heard.unread = age(dataHeard_);
  return heard;
}

net::SendState TcpEnd::sendState() const {
  net::SendState state;
  state.outstanding = out_.outstanding();
  state.repeated = again_;
  state.overdue =
      network_->now() - sentAt_ > 2 * (network_->roundTrip(host_, remote_->host_) + network_->options().tick);
  state.heardSince = heard_ >= sentAt_;
  state.bareAcks = bareAcks_;
  return state;
}

}  // namespace peerpulse::test
