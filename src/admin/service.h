// Service: what the admin's connections share: sources, loop facilities, and those who are told of changes: the live event
// subscribers and who waits for a new version of /peers.
//
// Threading: the admin's thread, but for the wake-up that EventLog::add() posts.
// Bounds: kMaxConnections, of these kMaxMetricsConnections by admin.metrics_listen, which take each other's places only;
//   kMaxSubscribers, kMaxWaiters; answers that are not read yet have kMaxUnread together; connections idle for kIdleTimeout are closed, or busy with one head for
//   kHeadTimeout. A new connection beyond the bound takes the place of the one that has been of no use for longest: silent or
//   slow clients, however many, do not keep an orchestrator from /livez. One that the loop has not looked at since it was
//   accepted is not of no use: where there are only such, and busy ones, newcomers wait, kMaxArrivals of them.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin_connection.h"
#include "json_response.h"
#include "override_book.h"
#include "peerpulse/admin/server.h"
#include "peerpulse/net/listener.h"
#include "peerpulse/net/plain_transport.h"
#include "peerpulse/wire/io_context.h"

namespace peerpulse::admin {

struct Context;

class Service {
 public:
  static constexpr size_t kMaxConnections = Server::kMaxConnections;
  static constexpr size_t kMaxMetricsConnections = 16;
  static constexpr size_t kMaxSubscribers = 16;
  /// Of answers given and not on the wire yet. Small ones have room beyond it: /livez is always answered.
  static constexpr size_t kMaxUnread = size_t{64} << 20;
  static constexpr size_t kSmallAnswer = 16 * 1024;
  /// Whoever may only look at metrics may see them so old: making them takes milliseconds of this loop.
  static constexpr milliseconds kMetricsAge{250};
  static constexpr size_t kMaxWaiters = 64;
  static constexpr size_t kMaxArrivals = 128;
  /// How often they are looked at while they wait for somebody to become slow.
  static constexpr milliseconds kArrivalInterval{10};
  static constexpr seconds kIdleTimeout{60};
  static constexpr seconds kHeadTimeout{5};
  /// Who takes nothing of his answer, or does not come to the end of his request, for so long may have to give way.
  static constexpr seconds kSlowReader{1};

  Service(event::Dispatcher& dispatcher, Sources sources);
  ~Service();

  Result<void> listen(const SocketAddress& address);
  const SocketAddress& address() const { return address_; }

  event::Dispatcher& dispatcher() { return dispatcher_; }
  wire::IoContext& io() { return io_; }
  const http::CodecLimits& limits() const { return limits_; }
  const Sources& sources() const { return sources_; }
  const EventLog& events() const { return *sources_.events; }

  Result<void> listenForMetrics(const SocketAddress& address);
  Response handle(const Caller& caller, const Request& request);
  Response error(int status, const std::string& name, const std::string& message) const {
    return errorResponse(status, name, message);
  }

  /// False when there are enough.
  bool subscribe(Exchange& exchange);
  /// It is told of the next change. False: it was answered with an error instead.
  bool admitWaiter(Exchange& exchange);
  /// The process is about to end: nobody waits any more.
  void drain();
  /// Events that a new subscriber missed; later ones come by themselves.
  std::vector<Event> eventsAfter(uint64_t sequence);
  void remove(AdminConnection& connection);

  bool hasRoom(size_t bytes) const { return bytes <= kSmallAnswer || unread_ + bytes <= kMaxUnread; }
  void given(size_t bytes) { unread_ += bytes; }
  void taken(size_t bytes) { unread_ -= bytes; }

 private:
  /// What EventLog's listener and posted functions hold: it outlives the service.
  struct Wakeup {
    Service* service;  // admin's thread only; null once the service is gone
    std::atomic<bool> posted{false};
  };

  struct Arrival {
    Fd fd;
    bool metricsOnly;
  };

  void onAccept(Fd fd, bool metricsOnly);
  bool admit(Arrival& arrival);
  void admitArrivals();
  void lookAtNewcomers();
  size_t metricsConnections() const;
  bool makeRoom(bool metricsOnly);
  Response metrics(const Context& context, const Request& request);
  void onTick();
  void publishEvents();
  void onNews();
  Response drainingError() const;

  event::Dispatcher& dispatcher_;
  Sources sources_;
  http::CodecLimits limits_;
  net::PlainConnector connector_;
  wire::IoContext io_;
  SocketAddress address_;
  std::unique_ptr<net::ListenSocket> socket_;
  std::unique_ptr<net::Acceptor> acceptor_;
  std::unique_ptr<net::ListenSocket> metricsSocket_;
  std::unique_ptr<net::Acceptor> metricsAcceptor_;
  OverrideBook overrides_;
  std::unique_ptr<event::TurnEnd> turnEnd_;
  bool metricsOfTurn_ = false;  // metrics_ was made in this turn
  Response metrics_;            // as of metricsAt_
  std::optional<TimePoint> metricsAt_;
  size_t unread_ = 0;
  std::unique_ptr<event::Timer> tick_;
  LinkedList<Exchange, SubscriberTag> subscribers_;
  LinkedList<Exchange, SubscriberTag> waiters_;
  AdminConnection::List connections_;
  std::deque<Arrival> arrivals_;  // accepted, and without a place yet
  std::unique_ptr<event::Timer> arrivalTimer_;
  uint64_t admitted_ = 0;  // connections so far
  uint64_t lookedAt_ = 0;  // of these, as many have had a whole turn of the loop
  bool looking_ = false;
  uint64_t published_ = 0;  // sequence of the last event that subscribers were sent
  bool draining_ = false;
  std::shared_ptr<Wakeup> wakeup_;
};

}  // namespace peerpulse::admin
