// DownstreamConnection: one connection of a local client to a listener: makes an Exchange of every request on it, and ends
// it when it was idle, or busy with one request's head, for too long.
//
// Its states are those of wire::ServerLife.
//
// Threading: its worker's thread.
// Ownership: owned by its Listener, owns its exchanges until they have ended; destroyed by deferred deletion.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "answer_room.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/proxy/listener.h"
#include "peerpulse/wire/codec_connection.h"
#include "peerpulse/wire/server_life.h"

namespace peerpulse::proxy {

class DownstreamConnection final : public event::DeferredDeletable,
                                   public wire::CodecConnectionOwner,
                                   public http::ServerCodecOwner {
 public:
  using List = std::list<std::unique_ptr<DownstreamConnection>>;

  DownstreamConnection(Listener& listener, std::unique_ptr<net::Transport> transport);
  ~DownstreamConnection() override;

  bool http2() const { return preface_ == http::Preface::kHttp2; }
  bool busy() const { return !exchanges_.empty(); }
  /// It has ended, and takes all streams on it with it.
  bool lost() const { return life_.ended() && http2(); }
  /// RST: what was answered so far must not pass for complete. Exchanges on it end for this reason.
  void abort(const upstream::Failure& why);
  /// What there is to send is sent now.
  void flush() { wire_->flushNow(); }
  /// Why we ended the connection, while its exchanges are told; null when we did not.
  const upstream::Failure* abortedFor() const { return abortedFor_; }
  /// Takes no new requests after the current ones. An idle h1 connection is kept for a moment: a request may be
  /// on its way, and is answered with `Connection: close`; so is one whose answer promised to keep it.
  void drain();
  /// Ends the connection if it has been idle, or busy with one request's head, for too long; a tunnel if it has outlasted
  /// its grace in a drain. `now` is the loop's own time. True: it did.
  bool expire(TimePoint now);
  /// Of the answers on it, what may wait inside the process.
  AnswerRoom& answerRoom() { return answerRoom_; }
  /// Of all that was sent, so much its client has taken (CodecConnection::taken()).
  uint64_t taken() { return wire_->taken(); }
  /// While the peer owes an answer itself, its client's PINGs have none either.
  void holdPings(bool hold);
  /// The exchange has ended.
  void remove(Exchange& exchange);

  List::iterator self;  ///< the place in the Listener's list

 private:
  // wire::CodecConnectionOwner
  std::unique_ptr<http::Codec> createCodec(http::Preface preface) override;
  void onReady() override;
  void onHeard() override;
  void onSlowedDown() override;
  void onSettled() override;
  void onEnded(const wire::End& end) override;
  // http::ServerCodecOwner
  http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override;
  http::Receiver* onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) override;
  void onOutputReady() override { wire_->outputReady(); }

  bool tunnelsOutlastDrain(TimePoint now) const;
  /// TLS can be used no longer than for what is under way.
  bool wornOut() const;
  /// h2: says so.
  void retire();
  bool expireExchanges(TimePoint now);
  Exchange& addExchange(http::ResponseStream& stream, http::RequestHead&& head);

  Listener& listener_;
  wire::ServerLife life_;  // in the loop's own time
  http::Preface preface_ = http::Preface::kNeedMore;
  bool retired_ = false;
  AnswerRoom answerRoom_;  // outlives the exchanges
  std::list<std::unique_ptr<Exchange>> exchanges_;
  const upstream::Failure* abortedFor_ = nullptr;
  std::unique_ptr<wire::CodecConnection> wire_;  // last: its codec's streams refer to the exchanges
};

}  // namespace peerpulse::proxy
