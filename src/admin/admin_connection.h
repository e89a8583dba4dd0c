// AdminConnection: one client of the admin. Makes an Exchange of every request, and ends when it was idle, busy with one
// request's head, or not taking its answer for too long. When there are too many, it gives way to a new one before that.
//
// Threading: the admin's thread.
// Ownership: owned by the Service; destroyed by deferred deletion.
#pragma once

#include <list>
#include <memory>
#include <optional>

#include "caller.h"
#include "exchange.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/wire/codec_connection.h"
#include "peerpulse/wire/server_life.h"

namespace peerpulse::admin {

class Service;

class AdminConnection : public event::DeferredDeletable, wire::CodecConnectionOwner, http::ServerCodecOwner {
 public:
  using List = std::list<std::unique_ptr<AdminConnection>>;

  AdminConnection(Service& service, std::unique_ptr<net::Transport> transport, Caller caller);
  ~AdminConnection() override;

  Service& service() { return service_; }
  const Caller& caller() const { return caller_; }
  /// To be asked now and then: ends the connection if its client has taken too long. True: it did.
  bool expire(TimePoint now);
  /// Since when it could be ended for the sake of a new one: nothing is under way on it, or nobody takes the answer. Nothing
  /// while it is of use; who subscribed or waits for news is.
  std::optional<TimePoint> idleSince(TimePoint now);
  /// Its client has taken something of an answer.
  void onMoved();
  /// The exchange has ended.
  void remove(Exchange& exchange);
  void close(std::string_view why) { connection_.close(why); }

  List::iterator self;  ///< the place in the service's list
  uint64_t number = 0;  ///< in the order of their coming

 private:
  // wire::CodecConnectionOwner
  std::unique_ptr<http::Codec> createCodec(http::Preface preface) override;
  void onHeard() override;
  void onSettled() override;
  void onEnded(const wire::End& end) override;
  // http::ServerCodecOwner
  http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override;
  http::Receiver* onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) override;
  void onOutputReady() override { connection_.outputReady(); }

  Exchange& addExchange(http::ResponseStream& stream, http::RequestHead&& head);
  /// Whether an exchange may be silent for long.
  bool lingering() const;
  void endWaits();
  bool receiving() const;

  Service& service_;
  const Caller caller_;
  wire::ServerLife life_;
  wire::CodecConnection connection_;
  Exchange::List exchanges_;
  TimePoint lastMoved_;  // of answers
};

}  // namespace peerpulse::admin
