// Goal: when a peer turns suspect, the worker tells the prober what kernels know, each sign with its own time.
// Method: as flow_test, but the peer is a socket that its kernel serves alone: what a stopped process looks like.
#include <csignal>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "flow_harness.h"

using namespace peerpulse;
using namespace peerpulse::proxy;
using namespace peerpulse::proxy::test;
using health::CircuitState;
using health::Verdict;

namespace {

constexpr PeerId kPeer{0};
constexpr Duration kKernelTick = milliseconds(10);

/// A process that listens, never accepts, and is stopped: its kernel completes handshakes and acknowledges.
class StoppedPeer {
 public:
  StoppedPeer() {
    listener_ = std::move(*net::createListenSocket(*SocketAddress::parse("127.0.0.1:0"), 16));
    address = net::localAddress(listener_.get());
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;)
        ::pause();
    }
    listener_.reset();  // the child's is the only one
    REQUIRE(::kill(child_, SIGSTOP) == 0);
    int status = 0;
    REQUIRE(::waitpid(child_, &status, WUNTRACED) == child_);
  }
  ~StoppedPeer() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  SocketAddress address;

 private:
  Fd listener_;
  pid_t child_;
};

/// A peer in the test's own hand.
struct RawPeer {
  RawPeer() : listener(std::move(*net::createListenSocket(*SocketAddress::parse("127.0.0.1:0"), 16))) {
    address = net::localAddress(listener.get());
  }
  void accept() {
    connection = Fd(::accept(listener.get(), nullptr, nullptr));
    REQUIRE(connection.valid());
  }
  Fd listener, connection;
  SocketAddress address;
};

auto peerAt(const SocketAddress& address) {
  return [address](ProxyOptions& options) { options.peers[0].address = address; };
}

// Runs the worker until `duration` has passed.
void run(Flow& flow, Duration duration) {
  const TimePoint stop = flow.dispatcher.now() + duration;
  flow.until([&] { return flow.dispatcher.now() >= stop; });
}

}  // namespace

TEST_CASE("life: a stopped process's kernel acknowledges an upload, and the prober hears of it") {
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    StoppedPeer peer;
    Flow flow(http2, peerAt(peer.address));
    TestClient& client = flow.client();
    client.send("PUT", "/upload", std::string(20'000, 'x'));
    flow.until([&] { return flow.stats.peer(kPeer).connectionsActive.get() == 1; });
    const TimePoint connected = flow.table.lastHeard(kPeer);
    run(flow, milliseconds(60));  // a delayed ACK may take 40
    flow.setVerdict(Verdict::kSuspect, CircuitState::kClosed);
    const TimePoint acked = flow.table.lastKernelHeard(kPeer);
    CHECK(acked > flow.dispatcher.now() - seconds(1));
    CHECK(acked <= flow.dispatcher.now());
    CHECK(flow.table.lastHeard(kPeer) == connected);  // its process has said nothing
  }
}

TEST_CASE("life: an idle connection's old ACK stays old") {
  StoppedPeer peer;
  Flow flow(true, peerAt(peer.address));
  flow.client().send("PUT", "/upload", "x");
  run(flow, milliseconds(250));  // everything was acknowledged long ago
  const TimePoint before = flow.dispatcher.now();
  flow.setVerdict(Verdict::kSuspect, CircuitState::kClosed);
  const TimePoint acked = flow.table.lastKernelHeard(kPeer);
  CHECK(acked > TimePoint());
  CHECK(acked < before - milliseconds(100));
}

TEST_CASE("life: the youngest ACK of all connections counts, and never an older one after it") {
  StoppedPeer peer;
  Flow flow(false, peerAt(peer.address));
  TimePoint sent;
  for (int i = 0; i < 3; ++i) {
    sent = flow.dispatcher.now();
    flow.client().send("PUT", "/upload", "x");
    run(flow, milliseconds(60));
  }
  flow.setVerdict(Verdict::kSuspect, CircuitState::kClosed);
  const TimePoint acked = flow.table.lastKernelHeard(kPeer);
  CHECK(acked >= sent - kKernelTick);                          // the third, not the first
  const TimePoint newer = flow.dispatcher.now() + seconds(1);  // of another worker
  flow.table.stampKernelHeard(kPeer, newer);
  flow.setVerdict(Verdict::kAlive, CircuitState::kClosed);
  flow.setVerdict(Verdict::kSuspect, CircuitState::kClosed);
  CHECK(flow.table.lastKernelHeard(kPeer) == newer);
}

TEST_CASE("life: bytes that wait to be read are a sign of the time they came") {
  RawPeer peer;
  Flow flow(false, peerAt(peer.address));
  flow.client().send("GET", "/download");
  flow.until([&] { return flow.stats.peer(kPeer).connectionsActive.get() == 1; });
  peer.accept();
  run(flow, milliseconds(30));
  const TimePoint connected = flow.table.lastHeard(kPeer);
  REQUIRE(::write(peer.connection.get(), "HTTP/1.1 200 OK\r\n", 17) == 17);
  const TimePoint sent = flow.dispatcher.now();
  SUBCASE("just now: the worker has not come round to them") {
    std::this_thread::sleep_for(milliseconds(1));
    flow.setVerdict(Verdict::kSuspect, CircuitState::kClosed);
    CHECK(flow.table.lastHeard(kPeer) > connected);
    CHECK(flow.table.lastHeard(kPeer) >= sent - 2 * kKernelTick);
  }
  SUBCASE("long ago: then the peer may have died since") {
    std::this_thread::sleep_for(milliseconds(80));
    flow.setVerdict(Verdict::kSuspect, CircuitState::kClosed);
    CHECK(flow.table.lastHeard(kPeer) <= sent + kKernelTick);
  }
}

TEST_CASE("life: nothing is looked at while the peer is well or dead") {
  StoppedPeer peer;
  Flow flow(true, peerAt(peer.address));
  flow.client().send("PUT", "/upload", std::string(20'000, 'x'));
  run(flow, milliseconds(60));
  const TimePoint connected = flow.table.lastKernelHeard(kPeer);  // the SYN-ACK
  CHECK(connected != TimePoint());
  flow.setVerdict(Verdict::kAlive, CircuitState::kClosed);
  flow.setVerdict(Verdict::kDead, CircuitState::kOpen);
  CHECK(flow.table.lastKernelHeard(kPeer) == connected);
}
