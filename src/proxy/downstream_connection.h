// DownstreamConnection: one connection of a local client to a listener: makes an Exchange of every request on it, and ends
// it when it was idle, or busy with one request's head, for too long.
//
//   Idle --first byte of a head--> ReadingHead --request--> Busy --last exchange ended--> Idle
//   any --the connection's end--> Ended
//
// Threading: its worker's thread.
// Ownership: owned by its Listener, owns its exchanges until they have ended; destroyed by deferred deletion.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "peerpulse/http/codec.h"
#include "peerpulse/proxy/listener.h"
#include "peerpulse/wire/codec_connection.h"

namespace peerpulse::proxy {

class DownstreamConnection final : public event::DeferredDeletable,
                                   public wire::CodecConnectionOwner,
                                   public http::ServerCodecOwner {
 public:
  enum class State : uint8_t { kIdle, kReadingHead, kBusy, kEnded };
  using List = std::list<std::unique_ptr<DownstreamConnection>>;

  DownstreamConnection(Listener& listener, std::unique_ptr<net::Transport> transport);
  ~DownstreamConnection() override;

  bool http2() const { return preface_ == http::Preface::kHttp2; }
  bool busy() const { return !exchanges_.empty(); }
  /// It has ended, and takes all streams on it with it.
  bool lost() const { return state_ == State::kEnded && http2(); }
  /// RST: what was answered so far must not pass for complete. Exchanges on it end for this reason.
  void abort(const upstream::Failure& why);
  /// Why we ended the connection, while its exchanges are told; null when we did not.
  const upstream::Failure* abortedFor() const { return abortedFor_; }
  /// Takes no new requests after the current ones. An idle h1 connection is kept for a moment: a request may be
  /// on its way, and is answered with `Connection: close`; so is one whose answer promised to keep it.
  void drain();
  /// Ends the connection if it has been idle, or busy with one request's head, for too long; a tunnel if it has outlasted
  /// its grace in a drain. `now` is the loop's own time. True: it did.
  bool expire(TimePoint now);
  /// While the peer owes an answer itself, its client's PINGs have none either.
  void holdPings(bool hold);
  /// The exchange has ended.
  void remove(Exchange& exchange);

  List::iterator self;  ///< the place in the Listener's list

 private:
  // wire::CodecConnectionOwner
  std::unique_ptr<http::Codec> createCodec(http::Preface preface) override;
  void onHeard() override;
  void onSettled() override;
  void onEnded(const wire::End& end) override;
  // http::ServerCodecOwner
  http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override;
  http::Receiver* onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) override;
  void onOutputReady() override { wire_->outputReady(); }

  void enter(State to);
  const char* expired(TimePoint now) const;
  bool outlastsDrain(TimePoint now) const;
  Exchange& addExchange(http::ResponseStream& stream, http::RequestHead&& head);

  Listener& listener_;
  State state_ = State::kIdle;
  TimePoint since_;  // in this state; the loop's own time, as all times here
  http::Preface preface_ = http::Preface::kNeedMore;
  std::list<std::unique_ptr<Exchange>> exchanges_;
  std::optional<TimePoint> drainingSince_;
  const upstream::Failure* abortedFor_ = nullptr;
  std::unique_ptr<wire::CodecConnection> wire_;  // last: its codec's streams refer to the exchanges
};

}  // namespace peerpulse::proxy
