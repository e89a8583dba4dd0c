// SimulatedPeer: one PeerHealth on virtual time, and a peer whose host, kernel and process can fail apart.
// The same seed gives the same run.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "peerpulse/health/circuit_table.h"
#include "peerpulse/health/peer_health.h"

namespace peerpulse::health {

class SimulatedPeer {
 public:
  explicit SimulatedPeer(ProbeOptions options = {}, uint32_t seed = 1, Duration phase = {});

  // The peer; change it at any time.
  bool powered = true;           ///< off: nothing is answered, nothing arrives
  bool listening = true;         ///< off: its kernel answers SYNs by RST
  bool running = true;           ///< off: the kernel answers, the process does not (SIGSTOP)
  bool acceptQueueFull = false;  ///< its kernel drops SYNs to its port
  bool halfOpen = false;         ///< and the data of a connection of which it has seen the SYN before that
  bool hostAnswers = true;       ///< its kernel answers SYNs to the other port by RST; off: firewalled
  bool polices = false;          ///< third PING of a connection: GOAWAY ENHANCE_YOUR_CALM
  bool speaksHttp2 = true;       ///< off: answers the preface with HTTP/1.1 and closes
  bool mute = false;             ///< accepts, and says nothing to the preface
  bool answersRequests = true;   ///< of HTTP/1.1, on a kept connection; off: reads them and says nothing
  bool closesAfterEach = false;  ///< HTTP/1.0: its connection ends with the answer
  int healthStatus = 200;
  bool answersEchoes = false;    ///< its kernel, ICMP
  unsigned echoLossPercent = 0;  ///< of echoes only: a host or a router that answers some of them
  Duration oneWay = microseconds(100);
  unsigned lossPercent = 0;  ///< of packets, both ways
  Duration timerLate{};      ///< of our own kernel: keepalive probes
  int loseDraws = 0;         ///< so many of the next ones
  int connectErrno = 0;      ///< every connect fails at once so (own host's trouble)
  TimePoint dataHeard;       ///< what workers stamped
  TimePoint dataKernelHeard;
  bool retransmitsQuickly = false;
  Duration kernelRtt{};  ///< what TCP_INFO says of it; zero: nothing
  // The prober.
  bool proberRunning = true;  ///< off: nothing is handled (SIGSTOP of ourselves)

  /// Kills the process: RST on the connection, SYNs refused.
  void kill();
  void start() { listening = true; }
  void resume();  ///< SIGCONT of the process
  /// The peer closes the probe connection in order.
  void closeConnection();
  /// A middlebox forgets the probe connection: it goes mute, fresh ones work.
  void forgetConnection() { connection_.forgotten = true; }
  void inject(const Event& event) { deliver(event); }

  void runFor(Duration d);
  /// Runs until `condition` or `limit`; true if it came.
  bool runUntil(const std::function<bool()>& condition, Duration limit);
  void resumeProber();

  TimePoint now() const { return now_; }
  PeerHealth& health() { return health_; }
  Verdict verdict() const { return health_.word().verdict; }
  CircuitState circuit() const { return health_.word().circuit; }
  int count(Verdict to) const;
  const std::vector<Transition>& transitions() const { return transitions_; }
  std::vector<Degrading> warnings;

  // Totals of what was done.
  int pings = 0, opens = 0, confirmBursts = 0, connects = 0, hostChecks = 0, ticks = 0, goaways = 0;
  int requests = 0, echoes = 0;
  std::vector<RungChange> rungChanges;
  int publishes = 0;
  std::vector<TimePoint> pingTimes;
  int openSockets() const { return static_cast<int>(connects_.size()) + (connection_.exists ? 1 : 0); }
  int maxOutageSockets = 0;

 private:
  struct Connection {
    bool exists = false, established = false, forgotten = false;
    ConnectionKind kind{};
    uint32_t epoch = 0;
    TimePoint lastKernelAck;
    TimePoint lastDelivery;  // TCP delivers in order
    int received = 0;
    uint32_t unacked = 0;
    uint32_t segmentsSent = 1;
    std::vector<uint32_t> queued;  // PINGs the stopped process has not read
    bool requestQueued = false;    // and a request
  };

  void later(Duration d, std::function<void()> f) { events_.emplace(now_ + d, std::move(f)); }
  void deliver(const Event& event);
  void apply(const Actions& actions);
  void apply(const Action& action);
  void open(const OpenConnection& action);
  void ping(const SendPing& action);
  void request(const SendRequest& action);
  void answerRequest(uint32_t epoch);
  void drawAck(const DrawAck& action);
  void echo(const SendEcho& action);
  void arrive(uint32_t epoch, uint32_t sequence);
  void answer(uint32_t epoch, uint32_t sequence);
  void accepted(uint32_t epoch);
  void ended(const Closed& event);
  void startConnect(ConnectPurpose purpose);
  void checkReport(const Transition& transition);
  bool lost();
  bool step(TimePoint limit);

  TimePoint now_ = TimePoint() + seconds(1000);
  uint32_t random_;
  PeerHealth health_;
  CircuitTable table_{1};
  std::multimap<TimePoint, std::function<void()>> events_;
  std::vector<std::function<void()>> heldBack_;  // arrived while the prober was stopped
  Connection connection_;
  std::map<int, ConnectPurpose> connects_;
  int nextConnect_ = 0;
  std::vector<Transition> transitions_;
};

}  // namespace peerpulse::health
