// ApiConnection: one client of the API. Makes an ApiExchange of every request, and ends when it was idle, or busy with one
// request's head, for too long (wire::ServerLife).
//
// Threading: its worker's thread.
// Ownership: owned by the Api, owns its exchanges; destroyed by deferred deletion.
#pragma once

#include <list>
#include <memory>

#include "api_exchange.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/wire/codec_connection.h"
#include "peerpulse/wire/server_life.h"

namespace peerpulse::fanout {

class ApiConnection final : public event::DeferredDeletable, wire::CodecConnectionOwner, http::ServerCodecOwner {
 public:
  using List = std::list<std::unique_ptr<ApiConnection>>;

  ApiConnection(Api& api, std::unique_ptr<net::Transport> transport);
  ~ApiConnection() override;

  void drain();
  void abort(std::string_view why) { wire_.abort(why); }
  /// Ends it if it is idle, and what its caller holds up, for too long.
  void expire(TimePoint now);
  /// The exchange has ended.
  void remove(ApiExchange& exchange);

  List::iterator self;  ///< the place in the Api's list

 private:
  // wire::CodecConnectionOwner
  std::unique_ptr<http::Codec> createCodec(http::Preface preface) override;
  void onHeard() override;
  void onSettled() override;
  void onEnded(const wire::End& end) override;
  // http::ServerCodecOwner
  http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override;
  http::Receiver* onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) override;
  void onOutputReady() override { wire_.outputReady(); }

  ApiExchange& addExchange(http::ResponseStream& stream);

  Api& api_;
  wire::ServerLife life_;  // in the loop's own time
  bool http2_ = false;
  ApiExchange::List exchanges_;
  wire::CodecConnection wire_;  // last: its codec's streams refer to the exchanges
};

}  // namespace peerpulse::fanout
