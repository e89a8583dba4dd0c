// Worker: one event loop with the connections it accepted and their exchanges.
//
// Threading: run() on the worker's thread; drain() from any thread; the rest on the worker's thread.
// Ownership: owns its sessions and exchanges. The router, pool and socket are shared and must outlive it.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "peerpulse/net/listener.h"
#include "peerpulse/net/plain_transport.h"
#include "peerpulse/net/tls_context.h"
#include "storage_node/exchange.h"
#include "storage_node/router.h"
#include "storage_node/session.h"

namespace peerpulse::storage_node {

class Worker : private SessionHost, private ExchangeHost {
 public:
  /// `tls`: null for plain text.
  Worker(const Router& router, tools::IoPool& pool, net::ListenSocket& socket, net::TlsContextRef tls);
  ~Worker() override;

  /// Returns after drain(), when everything is finished or `timeout` has passed.
  void run();
  void drain(Duration timeout);

 private:
  // Connections beyond it are closed at once; exchanges beyond it are answered 503.
  static constexpr size_t kMaxSessions = 1024;
  static constexpr size_t kMaxExchanges = 2048;
  static constexpr Duration kSweepInterval = seconds(5);

  event::Dispatcher& dispatcher() override { return dispatcher_; }
  wire::IoContext& io() override { return io_; }
  tools::IoPool& pool() override { return pool_; }
  http::Receiver* serve(Session& session, http::ResponseStream& stream, const http::RequestHead& head) override;
  http::Receiver* refuse(Session& session, http::ResponseStream& stream, int status,
                         std::string_view detail) override;
  void release(Session& session) override;
  void release(Exchange& exchange) override;

  void onAccept(Fd fd);
  http::Receiver* adopt(std::unique_ptr<Exchange> exchange);
  void sweep();
  void startDrain(Duration timeout);
  void abortSessions();
  std::vector<Session*> sessions() const;
  void exitIfDrained();

  const Router& router_;
  tools::IoPool& pool_;
  const net::TlsContextRef tls_;
  event::Dispatcher dispatcher_;
  net::PlainConnector connector_{dispatcher_};
  wire::IoContext io_{dispatcher_, connector_};
  net::Acceptor acceptor_;
  std::unique_ptr<event::Timer> sweepTimer_;
  std::unique_ptr<event::Timer> drainTimer_;
  bool draining_ = false;
  std::unordered_map<Exchange*, std::unique_ptr<Exchange>> exchanges_;
  std::unordered_map<Session*, std::unique_ptr<Session>> sessions_;  // before the exchanges their codecs point to
};

}  // namespace peerpulse::storage_node
