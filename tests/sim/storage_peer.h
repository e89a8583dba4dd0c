// StoragePeer: the storage process on a peer's host: an event loop, a listener, and the real server codecs on the
// connections it accepts. What it answers is decided by the ledger's entry of the request, how it behaves by its manners.
//
//   running  --kill, power cut--> gone --start()--> running
//   running  --stop()--> stopped --resume()--> running
//
// Threading: one thread. Ownership: owns its connections and the requests on them.
#pragma once

#include <list>
#include <memory>
#include <optional>

#include "body_pattern.h"
#include "memory_listener.h"
#include "memory_network.h"
#include "memory_transport.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/wire/codec_connection.h"
#include "random.h"
#include "request_ledger.h"
#include "virtual_scheduler.h"

namespace peerpulse::sim {

/// Of the requests it gets, so many percent meet this. All zero: an honest peer.
struct PeerManners {
  bool http2 = true;
  Duration service = milliseconds(1);  ///< of an answer, about
  uint32_t informational = 0;          ///< 1xx first
  uint32_t unsized = 0;                ///< answers without content-length
  // Not those of honest peers.
  uint32_t early = 0;      ///< answered before the body is there
  uint32_t refuses = 0;    ///< REFUSED_STREAM
  uint32_t goesAway = 0;   ///< GOAWAY at a request, which is served
  uint32_t breaksOff = 0;  ///< connection closed at a request
  uint32_t cutsShort = 0;  ///< reset in the middle of the answer
  uint32_t fails = 0;      ///< 503
  uint32_t neverAnswers = 0;
  uint32_t slow = 0;     ///< a hundred times the service time
  Duration idleClose{};  ///< connections idle for so long are closed; zero: never

  bool honest() const {
    return early + refuses + goesAway + breaksOff + cutsShort + fails + neverAnswers + slow == 0 &&
           idleClose == Duration::zero();
  }
};

class StoragePeer {
 public:
  /// `number`: as the ledger calls it.
  StoragePeer(test::VirtualTime& time, test::MemoryNetwork& network, test::HostId host, uint8_t number,
              const SocketAddress& address, const PeerManners& manners, Random random, RequestLedger& ledger,
              const BodyPattern& pattern);
  ~StoragePeer();

  void start();
  /// After the network's kill() or cutPower() of its host.
  void end();
  void stop();
  void resume();
  void fillAcceptQueue(bool full);
  void closeConnections();
  /// Requests fail.
  void fail(bool on) { failing_ = on; }
  bool running() const { return acceptor_ != nullptr; }

 private:
  class Served;
  class Serving;

  test::MemoryNetwork& network_;
  const test::HostId host_;
  const uint8_t number_;
  const SocketAddress address_;
  const PeerManners manners_;
  Random random_;
  RequestLedger& ledger_;
  const BodyPattern& pattern_;
  test::VirtualScheduler loop_;
  test::MemoryConnector connector_;
  std::optional<wire::IoContext> io_;
  std::unique_ptr<test::MemoryListener> listener_;
  std::unique_ptr<test::MemoryAcceptor> acceptor_;
  std::list<std::unique_ptr<Served>> served_;
  bool failing_ = false;
};

}  // namespace peerpulse::sim
