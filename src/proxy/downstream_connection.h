// DownstreamConnection: one connection of the local client to a peer's listener. Tells h1 from h2 by the preface,
// runs the server codec, and makes an Exchange of every request.
//
// Threading: its worker's thread.
// Ownership: owned by its PeerProxy, owns its exchanges; both are destroyed by deferred deletion.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "peerpulse/http/codec.h"
#include "peerpulse/net/connection.h"
#include "peerpulse/net/flush_queue.h"
#include "peerpulse/proxy/peer_proxy.h"

namespace peerpulse::proxy {

class DownstreamConnection : public event::DeferredDeletable,
                             public net::ConnectionCallbacks,
                             public http::ServerCodecOwner,
                             public net::Flushable {
 public:
  using List = std::list<std::unique_ptr<DownstreamConnection>>;

  DownstreamConnection(PeerProxy& peer, Fd fd);
  ~DownstreamConnection() override;

  bool http2() const { return preface_ == http::Preface::kHttp2; }
  bool busy() const { return !exchanges_.empty(); }
  /// Writes now what the codec has; at other times that happens at the end of the turn.
  void flushNow() override;
  /// RST: what was answered so far must not pass for complete.
  void abort(std::string_view why);
  /// As abort(), with every exchange on it failed by the circuit; how many were in flight.
  size_t peerDied(const health::CircuitWord& word);
  /// Fails exchanges in flight, until `stop` at the latest but one at least, and writes their answers; how many.
  size_t failExchanges(const health::CircuitWord& word, TimePoint stop);
  /// Takes no new requests after the current ones. An idle h1 connection is kept for a moment: a request may be
  /// on its way, and is answered with `Connection: close`; so is one whose answer promised to keep it.
  void drain();
  /// Ends the connection if it has been idle, or busy with one request's head, for too long.
  void expire(TimePoint now);
  /// The exchange has ended.
  void remove(Exchange& exchange);

  List::iterator self;  ///< the place in PeerProxy's list

 private:
  // net::ConnectionCallbacks
  void onRead(Slice data) override;
  void onReadDone() override;
  void onEof() override;
  void onWritable() override;
  void onClosed(const Error& error) override;
  // http::ServerCodecOwner
  http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override;
  http::Receiver* onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) override;
  void onOutputReady() override;

  void createCodec();
  void receive(Slice data);
  Exchange& addExchange(http::ResponseStream& stream, http::RequestHead&& head);
  void shut(std::string_view why, bool reset);

  PeerProxy& peer_;
  http::Preface preface_ = http::Preface::kNeedMore;
  Buffer first_;  // bytes before the preface is known
  std::unique_ptr<http::Codec> codec_;
  std::unique_ptr<net::Connection> connection_;
  std::list<std::unique_ptr<Exchange>> exchanges_;
  TimePoint idleSince_;
  TimePoint headSince_ = TimePoint::max();  // the first byte of a request whose head is not complete
  bool draining_ = false;
  TimePoint drainedAt_;  // when drain() was called
  bool closed_ = false;
};

}  // namespace peerpulse::proxy
