// MemoryNetwork: hosts, the paths between them and the stream connections over these, in memory and on virtual time.
// What a process sees of it is MemoryTransport, MemoryConnector and MemoryListener; what a scenario does to it is here.
//
// A host is a kernel and the processes on it:
//   cutPower    silence: nothing arrives from it or is acknowledged. Its kernel forgets its connections, so that after
//               restorePower() what is sent on them is answered by RST, and connects are refused until somebody listens.
//   kill        its processes end; the kernel closes their connections (FIN, or RST with bytes unread) and listeners.
//   stop        its processes stand still (SIGSTOP) until resume(); the kernel acknowledges, buffers and accepts up to
//               the backlog. Their loops' timers and posts are not the network's: VirtualScheduler::block().
// After cutPower() and kill() the handles that the dead processes had are without function; whoever plays them destroys
// them, at leisure, and makes new listeners for the processes that come after. A path:
//   setPath     delay, jitter, loss (which here is only delay, that of the repetition), one direction
//   cut         nothing passes, one direction; what was lost is repeated and arrives after the path has healed
//   forget      what one side sends on the connections that exist now never arrives (a firewall has forgotten them); new
//               ones are none the worse
//
// Not modelled: bandwidth and congestion, keepalive probes, ICMP. Everything is decided by the order of calls and the seed: the same run everywhere.
//
// Threading: one thread. Ownership: owns kernels' state; transports, connectors and listeners must die before it, and
//   the clock after it. Bounds: send buffer and receive window of every connection (HostOptions).
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/time.h"
#include "seeded_random.h"
#include "tcp_end.h"
#include "virtual_time.h"

namespace peerpulse::test {

struct HostOptions {
  size_t sendBuffer = 64 * 1024;     ///< bytes written and not acknowledged
  size_t receiveWindow = 64 * 1024;  ///< bytes arrived and not read
};

struct PathOptions {
  Duration delay{};
  Duration jitter{};  ///< uniform in [0, jitter]; order is kept
  uint32_t lossPerMillion = 0;
  Duration repetition = milliseconds(5);  ///< after which what got lost is sent again (a SYN: 1 s)
};

struct NetworkOptions {
  Duration connectTimeout = seconds(127);  ///< then ETIMEDOUT
  /// Without progress until then: ETIMEDOUT, unless the socket has a user timeout.
  Duration giveUp = seconds(924);
  Duration rtoMin = milliseconds(200);
  Duration rtoMax = seconds(120);
  Duration tick = milliseconds(4);  ///< of the kernels' clocks that tell ages
  uint64_t seed = 1;
  /// So often, in percent, a read or a write moves only part of what it could, up to a random place.
  uint32_t splitPercent = 0;
};

class MemoryNetwork final : public VirtualTime::Participant {
 public:
  explicit MemoryNetwork(VirtualTime& time, const NetworkOptions& options = {});
  ~MemoryNetwork() override;

  /// `ip` is IPv4, as in "10.0.0.2".
  HostId addHost(std::string_view ip, const HostOptions& options = {});
  /// One more address of it; loopback addresses belong to one host, too.
  void addAddress(HostId host, std::string_view ip);
  void setOptions(HostId host, const HostOptions& options) { hosts_[host].options = options; }
  void setSplitPercent(uint32_t percent) { options_.splitPercent = percent; }

  void setPath(HostId from, HostId to, const PathOptions& options) { path(from, to).options = options; }
  void setPaths(HostId a, HostId b, const PathOptions& options) {
    setPath(a, b, options);
    setPath(b, a, options);
  }
  void cut(HostId from, HostId to, bool on) { path(from, to).cut = on; }
  void cutBothWays(HostId a, HostId b, bool on) {
    cut(a, b, on);
    cut(b, a, on);
  }

  /// What `from` sends to `to` on the connections that they have now is lost.
  void forget(HostId from, HostId to);

  void cutPower(HostId host);
  void restorePower(HostId host) { hosts_[host].powered = true; }
  bool powered(HostId host) const { return hosts_[host].powered; }
  void kill(HostId host);
  void stop(HostId host) { hosts_[host].stopped = true; }
  void resume(HostId host);
  bool stopped(HostId host) const { return hosts_[host].stopped; }
  /// Its connects fail at once with this errno value (EMFILE, ENETUNREACH, ...); 0: no longer.
  void failConnects(HostId host, int error) { hosts_[host].connectError = error; }

  /// Transports that living processes of this host hold: made by connect or accept, not closed yet.
  size_t openEnds(HostId host) const { return hosts_[host].openEnds; }
  /// Connections that any kernel still knows.
  size_t connections() const { return pairs_.size() - free_.size(); }
  uint64_t packets() const { return packets_; }
  /// When anything that `from` sent last arrived at `to`; TimePoint() if never.
  TimePoint lastArrival(HostId from, HostId to) { return path(from, to).lastArrival; }

  TimePoint now() const { return time_.now(); }
  TimePoint nextEvent() override { return events_.empty() ? TimePoint::max() : events_.front().at; }
  void runDue() override;

 private:
  friend class TcpEnd;
  friend class MemoryConnector;
  friend class MemoryListener;
  friend class MemoryTransport;

  struct Host {
    HostOptions options;
    bool powered = true, stopped = false;
    int connectError = 0;
    size_t openEnds = 0;
    std::vector<MemoryListener*> listeners;
  };
  struct Path {
    PathOptions options;
    bool cut = false;
    TimePoint lastArrival;
  };
  struct Pair {
    TcpEnd client, server;
    uint32_t generation = 0;
    bool inUse = false;
    bool forgotten[2] = {};    // by sender
    TimePoint lastArrival[2];  // of what must keep its order, by sender
  };
  struct Event {
    TimePoint at;
    uint64_t order;
    uint32_t pair, generation;
    bool timer, atServer;
    Packet packet;
    bool operator<(const Event& other) const { return at != other.at ? at > other.at : order > other.order; }
  };

  Path& path(HostId from, HostId to);

  // For TcpEnd.
  const NetworkOptions& options() const { return options_; }
  const HostOptions& optionsOf(HostId host) const { return hosts_[host].options; }
  Duration roundTrip(HostId a, HostId b) { return path(a, b).options.delay + path(b, a).options.delay; }
  void transmit(TcpEnd& from, const Packet& packet);
  void setTimer(TcpEnd& end, TimePoint at);
  /// Who takes connects to that port now, if anybody.
  MemoryListener* listenerAt(HostId host, uint16_t port);

  // For the handles.
  /// Nothing: not IPv4. Addresses that no host has are those of a silent one.
  std::optional<HostId> hostOf(const SocketAddress& address) const;
  int connectError(HostId host) const;
  TcpEnd& newConnection(HostId from, HostId to);
  /// After anything that may have ended a connection: forgets it, if both sides have.
  void settle(TcpEnd& end);
  void transportOpened(HostId host) { ++hosts_[host].openEnds; }
  void transportClosed(HostId host) { --hosts_[host].openEnds; }
  void addListener(MemoryListener& listener);
  void removeListener(MemoryListener& listener);
  size_t split(size_t n);

  void push(TcpEnd& to, TimePoint at, const Packet& packet, bool timer);
  void deliver(const Event& event);
  void lost(Pair& pair);
  template <typename Visit>
  void forEachEnd(HostId host, Visit visit);
  void endListeners(HostId host);

  NetworkOptions options_;
  Random random_;
  std::vector<Host> hosts_;
  std::vector<Path> paths_;  // from * hosts + to
  struct Address {
    uint32_t ip;
    HostId host;
  };
  std::vector<Address> addresses_;
  std::vector<std::unique_ptr<Pair>> pairs_;
  std::vector<uint32_t> free_;
  std::vector<Event> events_;  // a heap
  uint64_t order_ = 0;
  uint64_t packets_ = 0;
};

}  // namespace peerpulse::test
