// LocalClient: an application on the own host that talks to one peer's listener: one connection after the other, each
// with a plan of its own, through the real client codecs. Refused or broken off, it tries again.
//
// Threading: one thread. Ownership: owns its connection, and that its requests.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "body_pattern.h"
#include "client_plan.h"
#include "memory_transport.h"
#include "peerpulse/wire/io_context.h"
#include "random.h"
#include "request_ledger.h"
#include "virtual_scheduler.h"

namespace peerpulse::sim {

/// What all applications of the host share.
struct ClientHost {
  ClientHost(test::VirtualTime& time, test::MemoryNetwork& network, test::HostId host, RequestLedger& records,
             const BodyPattern& bytes)
      : loop(time), connector(network, host, loop), io(loop, connector), ledger(records), pattern(bytes) {}
  test::VirtualScheduler loop;
  test::MemoryConnector connector;
  wire::IoContext io;
  RequestLedger& ledger;
  const BodyPattern& pattern;
};

class ClientConnection;
class RawClient;

struct ClientHabits {
  uint32_t hostile = 0;  ///< so many percent of its connections
  Duration think{};
  Duration metronome{};  ///< zero: as drawn
  bool http2 = true;     ///< of the metronome
};

class LocalClient {
 public:
  LocalClient(ClientHost& host, uint8_t peer, const SocketAddress& listener, const PeerAbilities& abilities,
              const ClientHabits& habits, Random random);
  ~LocalClient();

  /// No new connections and requests.
  void stop();
  /// What is still there is cut off.
  void cutOff();
  bool idle() const { return connection_ == nullptr && raw_ == nullptr; }

  // For its connections.
  void connectionOver(bool wasReady);
  void rawOver();
  ClientHost& host() { return host_; }
  uint8_t peer() const { return peer_; }
  const SocketAddress& listener() const { return listener_; }
  const PeerAbilities& abilities() const { return abilities_; }
  Random& random() { return random_; }
  bool stopped() const { return stopped_; }

 private:
  void next();

  ClientHost& host_;
  const uint8_t peer_;
  const SocketAddress listener_;
  const PeerAbilities abilities_;
  const ClientHabits habits_;
  Random random_;
  bool stopped_ = false;
  std::unique_ptr<event::Timer> timer_;
  std::unique_ptr<ClientConnection> connection_;
  std::unique_ptr<RawClient> raw_;
};

}  // namespace peerpulse::sim
