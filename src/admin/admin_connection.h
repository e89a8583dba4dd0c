// AdminConnection: one client of the admin. Tells HTTP/1.1 from HTTP/2 by the preface, runs the codec, and
// makes an Exchange of every request.
//
// Threading: the admin's thread.
// Ownership: owned by the Service; destroyed by deferred deletion.
#pragma once

#include <list>
#include <memory>

#include "exchange.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/net/connection.h"
#include "peerpulse/net/flush_queue.h"

namespace peerpulse::admin {

class Service;

class AdminConnection : public event::DeferredDeletable,
                        public net::ConnectionCallbacks,
                        public http::ServerCodecOwner,
                        public net::Flushable {
 public:
  using List = std::list<std::unique_ptr<AdminConnection>>;

  AdminConnection(Service& service, Fd fd);
  ~AdminConnection() override;

  Service& service() { return service_; }
  /// Since when nothing moved; subscribers are never idle.
  bool idleSince(TimePoint limit) const { return !subscribed() && lastActivity_ < limit; }
  void flushNow() override;
  /// The exchange has ended.
  void remove(Exchange& exchange);
  void shut();

  List::iterator self;  ///< the place in the service's list

 private:
  // net::ConnectionCallbacks
  void onRead(Slice data) override;
  void onReadDone() override { flushNow(); }
  void onEof() override;
  void onWritable() override { flushNow(); }
  void onClosed(const Error&) override { shut(); }
  // http::ServerCodecOwner
  http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override;
  http::Receiver* onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) override;
  void onOutputReady() override;

  Exchange& addExchange(http::ResponseStream& stream, http::RequestHead&& head);
  void receive(Slice data);
  void pump();
  bool subscribed() const;

  Service& service_;
  http::Preface preface_ = http::Preface::kNeedMore;
  Buffer first_;  // bytes before the preface is known
  std::unique_ptr<http::Codec> codec_;
  std::unique_ptr<net::Connection> connection_;
  Exchange::List exchanges_;
  TimePoint lastActivity_;
  bool closed_ = false;
};

}  // namespace peerpulse::admin
