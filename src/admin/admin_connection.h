// AdminConnection: one client of the admin. Makes an Exchange of every request.
//
// Threading: the admin's thread.
// Ownership: owned by the Service; destroyed by deferred deletion.
#pragma once

#include <list>
#include <memory>

#include "exchange.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/wire/codec_connection.h"

namespace peerpulse::admin {

class Service;

class AdminConnection : public event::DeferredDeletable, wire::CodecConnectionOwner, http::ServerCodecOwner {
 public:
  using List = std::list<std::unique_ptr<AdminConnection>>;

  AdminConnection(Service& service, std::unique_ptr<net::Transport> transport);
  ~AdminConnection() override;

  Service& service() { return service_; }
  /// To be asked now and then: for how long nothing moved, as far as it was asked. Who subscribed or waits is never idle.
  Duration idleFor(TimePoint now);
  /// The exchange has ended.
  void remove(Exchange& exchange);
  void close(std::string_view why) { connection_.close(why); }

  List::iterator self;  ///< the place in the service's list

 private:
  // wire::CodecConnectionOwner
  std::unique_ptr<http::Codec> createCodec(http::Preface preface) override;
  void onSettled() override;
  void onEnded(const wire::End& end) override;
  // http::ServerCodecOwner
  http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override;
  http::Receiver* onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) override;
  void onOutputReady() override { connection_.outputReady(); }

  Exchange& addExchange(http::ResponseStream& stream, http::RequestHead&& head);
  /// Whether an exchange may be silent for long.
  bool lingering() const;

  Service& service_;
  wire::CodecConnection connection_;
  Exchange::List exchanges_;
  uint64_t bytesMoved_ = 0;  // when last asked
  TimePoint lastActivity_;
};

}  // namespace peerpulse::admin
