// Whole exchanges: clients, a worker's carrying half and a peer, in memory and on virtual time. Clients and peer say what the
// input has them say, as a program:
//   operation, length, that many bytes
// Whatever they said, when they are gone nothing is left, and what reached an HTTP/1.1 peer was legal.
#include <algorithm>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "../unit/proxy/proxy_world.h"
#include "check.h"
#include "codec_users.h"
#include "fuzzers.h"
#include "h2_frames.h"

namespace peerpulse::fuzz {
namespace {

using peerpulse::test::MemoryAcceptor;
using peerpulse::test::MemoryListener;
using proxy::test::ProxyWorld;

/// One end of a connection that says what it is told as far as there is room, and keeps what it heard.
class Talker final : net::TransportEvents {
 public:
  explicit Talker(std::unique_ptr<net::Transport> transport) : transport_(std::move(transport)) {
    transport_->attach(*this);
    transport_->watch(net::ready::kRead);
  }
  void say(std::string_view bytes) {
    if (over_ || bytes.empty()) return;
    const iovec entry{const_cast<char*>(bytes.data()), bytes.size()};
    if (transport_->write(&entry, 1).status == net::IoResult::Status::kError) end(true);
  }
  void sayEnd() {
    if (!over_) (void)transport_->shutdownWrite();
  }
  void end(bool reset) {
    if (over_) return;
    over_ = true;
    transport_->watch(0);
    transport_->close(reset);
  }
  bool over() const { return over_; }
  const std::string& heard() const { return heard_; }

 private:
  void onTransportReady(uint32_t) override {
    if (over_) return;
    char bytes[16'384];
    const iovec entry{bytes, sizeof bytes};
    const net::IoResult result = transport_->read(&entry, 1);
    if (result.status == net::IoResult::Status::kOk) heard_.append(bytes, result.bytes);
    if (result.status == net::IoResult::Status::kError) end(true);
    if (result.status == net::IoResult::Status::kEnd) transport_->watch(0);
  }
  std::unique_ptr<net::Transport> transport_;
  std::string heard_;
  bool over_ = false;
};

/// Of a program's pauses, in tenths of a second: longer than any timer.
constexpr size_t kLongestPause = 300;

class Scene {
 public:
  explicit Scene(uint32_t bits)
      : clientSpeaksH2_((bits & 1U) != 0),
        peerSpeaksH2_((bits & 2U) != 0),
        waits_((bits & 8U) != 0),
        world_([bits](proxy::ProxyOptions& options) {
          proxy::PeerOptions& peer = options.peers[0];
          peer.address = *SocketAddress::parse("10.0.0.3:9001");
          peer.protocol = (bits & 2U) != 0 ? upstream::Protocol::kHttp2 : upstream::Protocol::kHttp1;
          if ((bits & 4U) != 0) peer.onDead = proxy::OnDead::kRefuse;
        }),
        listener_(world_.network, world_.there, *SocketAddress::parse("10.0.0.3:9001")),
        acceptor_(world_.outside, listener_, [this](std::unique_ptr<net::Transport> transport) {
          peers_.push_back(std::make_unique<Talker>(std::move(transport)));
          if (peerSpeaksH2_) peers_.back()->say(frameOf(4, 0, 0, ""));
        }) {
    connect();
  }

  void run(std::string_view program) {
    constexpr size_t kHead = 2;
    while (program.size() >= kHead) {
      const auto operation = static_cast<uint8_t>(program[0]);
      const auto length = static_cast<uint8_t>(program[1]);
      program.remove_prefix(kHead);
      const std::string_view bytes = program.substr(0, length == 255 ? 20'000 : length);
      program.remove_prefix(bytes.size());
      act(operation % 16, bytes);
      world_.settle();
    }
  }

  void checkEnd() {
    for (const auto& client : clients_)
      client->end(false);
    world_.settle();
    for (const auto& peer : peers_)
      peer->end(false);
    if (!alive_) live();
    // Longer than any timer of an exchange; what the pool keeps goes with the drain. Mostly nothing is left at once: whether a timer
    // fires that outlived its exchange is then looked at by every other input. A client that is gone is noticed when its answer is
    // written: behind that, one more of the requests that it sent ahead has begun.
    const int least = waits_ ? 15 : 0;
    for (int second = 0; second < least || (second < 30 && (exchangesLeft() || requestsLeft())); ++second) {
      world_.run(seconds(1));
      world_.sweep();
    }
    FUZZ_CHECK(!exchangesLeft(), "no exchange is left behind");
    FUZZ_CHECK(!requestsLeft(), "no request is left behind");
    world_.listener->drain();
    world_.run(seconds(1));
    FUZZ_CHECK(world_.listener->drained(), "no client's connection is left behind");
    for (const auto& peer : peers_)
      if (!peerSpeaksH2_ && !tunnels_) checkHeard(*peer);
  }

 private:
  void act(uint32_t operation, std::string_view bytes) {
    switch (operation) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4: clients_.back()->say(clientSpeaksH2_ ? framesOf(bytes) : std::string(bytes)); return;
      case 5:
      case 6:
      case 7:
      case 8:
      case 9:
        if (bytes.find("101") != std::string_view::npos) tunnels_ = true;
        if (!peers_.empty()) peers_.back()->say(peerSpeaksH2_ ? framesOf(bytes) : std::string(bytes));
        return;
      case 10: world_.run(milliseconds(static_cast<int64_t>(std::min(bytes.size(), kLongestPause)) * 100)); return;
      case 11: clients_.back()->sayEnd(); return;
      case 12: clients_.back()->end(!bytes.empty()); return;
      case 13:
        if (!peers_.empty()) peers_.back()->end(!bytes.empty());
        return;
      case 14:
        if (alive_) {
          alive_ = false;
          world_.die();
        } else {
          live();
        }
        return;
      default:
        if (clients_.size() < 8) connect();
    }
  }
  void connect() {
    auto transport = world_.clientConnector.connect(world_.port.address(), {});
    FUZZ_CHECK(transport, "a connect begins");
    clients_.push_back(std::make_unique<Talker>(std::move(*transport)));
    world_.settle();
    if (clientSpeaksH2_) clients_.back()->say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frameOf(4, 0, 0, ""));
  }
  bool exchangesLeft() const { return world_.peerStats().inFlight.get() != 0; }
  bool requestsLeft() const { return world_.context->peers.find(proxy::test::kPeer)->requestsInFlight() != 0; }
  void live() {
    alive_ = true;
    world_.change(health::Verdict::kAlive);
  }
  /// Requests, one after the other, the last of which may be cut off.
  static void checkHeard(const Talker& peer) {
    SteadyServer reader(SteadyServer::Answer::kSized);
    http::CodecLimits limits;  // room for what was added on the way
    limits.maxHeaderCount *= 2;
    limits.maxHeaderListSize *= 2;
    const auto codec = http::createH1ServerCodec(reader, limits);
    if (!peer.heard().empty()) FUZZ_CHECK(codec->receive(Slice::copyOf(peer.heard())), "what a peer hears is legal");
    output(*codec);
    codec->connectionLost("");
  }

  const bool clientSpeaksH2_, peerSpeaksH2_, waits_;
  bool tunnels_ = false;
  bool alive_ = true;
  ProxyWorld world_;
  MemoryListener listener_;
  std::list<std::unique_ptr<Talker>> clients_, peers_;
  MemoryAcceptor acceptor_;
};

}  // namespace

void fuzzProxy(Input input) {
  Scene scene(input.byte());
  scene.run(input.rest());
  scene.checkEnd();
}

}  // namespace peerpulse::fuzz
