// A peer of tests in memory: a scripted server on a port of a MemoryNetwork's host.
#pragma once

#include <memory>
#include <utility>

#include "memory_listener.h"
#include "scripted_server.h"

namespace peerpulse::test {

class MemoryPeer : public ScriptedServer {
 public:
  /// `io` is of that loop, its connector of that host.
  MemoryPeer(MemoryNetwork& network, HostId host, VirtualScheduler& loop, wire::IoContext& io,
             const SocketAddress& address)
      : ScriptedServer(io),
        listener(network, host, address),
        acceptor_(loop, listener, [this](auto transport) { accept(std::move(transport)); }) {}
  MemoryListener listener;

 private:
  MemoryAcceptor acceptor_;
};

}  // namespace peerpulse::test
