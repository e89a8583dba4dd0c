// TcpEnd: what one host's kernel knows of one connection, and what its process can do with it. Two of them face each
// other. The semantics are Linux's, errors included (tests/unit/support/kernel_test.cc compares); the wire is a model:
//
//   client   None --connect--> SynSent --SYN-ACK--> Open      server   None --SYN--> SynReceived --ACK--> Open
//            SynSent --RST, time out--> Broken                         SynReceived --RST, no listener--> None
//   both     Open --RST, time out--> Broken --close--> None            Open --close by RST, power cut--> None
//
//   data     A segment carries all that was sent up to a position, so what was lost before arrives with it, too (as
//            with SACK and RACK, a round trip later at most). Sent is what the other side's window has room for, held
//            for the writer is what its send buffer has room for. A FIN is one more position.
//   loss     When a packet was lost and something is outstanding, the retransmission timer is set (RFC 6298, doubling);
//            without losses there are no timers. A lost SYN is repeated 1, 3, 7, ... s after the first one.
//   closed   by its process, a connection ends by FIN and is Open on until that is acknowledged; with bytes unread, or
//            when asked to, by RST. Bytes that arrive afterwards are answered by RST, as is anything at a host that
//            does not know the connection (any more).
//
// Threading: one thread. Ownership: a MemoryNetwork owns it; a MemoryTransport is its process's handle.
#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>
#include <sys/uio.h>

#include "byte_fifo.h"
#include "peerpulse/base/linked_list.h"
#include "peerpulse/base/time.h"
#include "peerpulse/net/transport.h"

namespace peerpulse::test {

using HostId = uint16_t;

class MemoryListener;
class MemoryNetwork;
class MemoryTransport;

struct Packet {
  enum class Kind : uint8_t { kSyn, kSynAck, kSegment, kAck, kReset };
  Kind kind{};
  uint64_t upTo = 0;  ///< what the sender has sent
  uint64_t ack = 0;   ///< what arrived at the sender
  uint64_t edge = 0;  ///< up to where it has room
};

enum class TcpState : uint8_t { kNone, kSynSent, kSynReceived, kOpen, kBroken };

struct AcceptTag {};

class TcpEnd : public ListNode<AcceptTag> {
 public:
  TcpEnd() = default;
  /// Once, before anything else.
  void face(MemoryNetwork& network, TcpEnd& remote, uint32_t pair, bool server);
  /// As new, at that host.
  void reset(HostId host);

  TcpState state() const { return state_; }
  HostId host() const { return host_; }
  TcpEnd& remote() { return *remote_; }
  uint32_t pair() const { return pair_; }
  bool server() const { return server_; }

  // What its process does.
  void connect(uint16_t port, MemoryTransport& handle, const net::SocketOptions& options);
  /// The handle of a connection taken from the accept queue.
  void accepted(MemoryTransport& handle);
  net::IoResult read(const iovec* entries, int count);
  net::IoResult write(const iovec* entries, int count);
  Result<void> shutdownWrite();
  void close(bool reset);
  /// The pending error (SO_ERROR): told once.
  int takeError();
  /// net::ready flags, as poll() has them.
  uint32_t holds() const;
  /// As a recv() that only looks: a pending error is told by it, and then gone.
  bool readableNow();
  net::LastHeard lastHeard() const;
  net::SendState sendState() const;
  MemoryTransport* handle() { return handle_; }

  // What the network brings.
  void receive(const Packet& packet);
  void onTimer();
  /// A packet of this connection got lost.
  void onLoss();
  /// The host lost its memory. The process has no handle any more.
  void forget();
  /// In an accept queue that is thrown away.
  void unqueue();
  /// Neither process nor kernel will do anything with it any more.
  bool done() const;

 private:
  /// One direction, both sides' view of it: read <= arrived <= sent <= written (+ 1 for the FIN), acked <= arrived.
  struct Stream {
    ByteFifo bytes;  // [read, written)
    uint64_t written = 0, sent = 0, acked = 0, edge = 0;
    uint64_t arrived = 0, read = 0;
    bool fin = false;

    uint64_t end() const { return written + (fin ? 1 : 0); }
    bool outstanding() const { return acked < end(); }
    bool finArrived() const { return fin && arrived > written; }
    size_t readable() const { return static_cast<size_t>(std::min(arrived, written) - read); }
    void dropUnsent();
    void clear();
  };

  void enter(TcpState to);
  void onSyn();
  void onAnswerToSyn(const Packet& packet);
  bool establish();
  void acknowledge(const Packet& packet);
  void arrive(uint64_t upTo);
  void breakOff(int error);
  void pump();
  void send(Packet::Kind kind);
  void setTimer();
  void retransmit();
  Duration firstRto() const;
  TimePoint rtoBegan() const;
  bool orphan() const { return handle_ == nullptr && !linked(); }
  size_t room() const;
  uint64_t edge() const;
  void wake();

  MemoryNetwork* network_ = nullptr;
  TcpEnd* remote_ = nullptr;
  MemoryTransport* handle_ = nullptr;
  uint32_t pair_ = 0;
  HostId host_ = 0;
  uint16_t port_ = 0;  // the server's
  bool server_ = false;
  TcpState state_ = TcpState::kNone;
  bool timerSet_ = false;
  bool choked_ = false;  // the last write was cut short: the next one finds no room
  uint8_t syns_ = 0;     // SYNs or SYN-ACKs sent
  uint32_t again_ = 0;   // sent again in a row without progress
  uint32_t bareAcks_ = 0;
  int error_ = 0;
  Stream out_;
  uint64_t told_ = 0;  // the edge of our window that the remote side was last told
  TimePoint heard_, dataHeard_;
  TimePoint begun_;        // the handshake
  TimePoint sentAt_;       // the last segment
  TimePoint resentAt_;     // the last time that something was sent again
  TimePoint silentSince_;  // since then something has been outstanding without progress
  Duration rto_{};
  Duration userTimeout_{};
};

}  // namespace peerpulse::test
