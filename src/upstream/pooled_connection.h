// PooledConnection: one connection to a peer and the client codec on it. It belongs to one pool and reports every change of
// its usability there; attempts only open streams on it.
//
//   Connecting --no answer for some round trips--> Late        (another one is begun beside it)
//   Connecting, Late --ready--> Ready <--may it take a stream--> Busy
//   Ready, Busy --GOAWAY / Connection: close / 3 failures / worn out--> Draining
//   any --the peer is dead--> Condemned
//   any --the connection's end--> Closed
// The state is the pool's list the connection is in (see Pool); Pool::transition() is the one place that changes it.
//
// Threading: its worker's thread.
// Ownership: owned by the pool; destroyed by deferred deletion, so it survives its own callbacks.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <utility>

#include "flow_silence.h"
#include "peerpulse/base/linked_list.h"
#include "peerpulse/base/time.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/stats/peer_stats.h"
#include "peerpulse/upstream/options.h"
#include "peerpulse/wire/codec_connection.h"

namespace peerpulse::upstream {

class Pool;

struct FlowTag {};

class PooledConnection final : public event::DeferredDeletable,
                               public wire::CodecConnectionOwner,
                               public http::ClientCodecOwner,
                               public ListNode<FlowTag> {
 public:
  enum class State : uint8_t { kConnecting, kLate, kReady, kBusy, kDraining, kCondemned, kClosed };
  static constexpr size_t kListedStates = 6;  // Closed connections are in no list
  using List = std::list<std::unique_ptr<PooledConnection>>;

  /// `protocol` must not be kAuto.
  PooledConnection(Pool& pool, Protocol protocol);
  ~PooledConnection() override;

  State state() const { return state_; }
  Protocol protocol() const { return protocol_; }
  size_t activeStreams() const { return codec_->activeStreams(); }
  bool idle() const { return state_ == State::kReady && activeStreams() == 0; }
  /// Its last user has left it, and what he said last is still to be taken by the peer.
  bool left() const { return (state_ == State::kBusy || state_ == State::kDraining) && activeStreams() == 0; }
  /// True once a stream was opened on it before: it may have died unnoticed since.
  bool reused() const { return streamsOpened_ > 1; }
  /// The peer said that it will end the connection (GOAWAY): a living answer, whatever became of the streams.
  bool ending() const { return goingAway_; }
  /// What ended it: an errno value, a TlsFailure, or 0.
  int endError() const { return endError_; }

  /// Requires state() == kReady.
  http::RequestStream& openStream(http::ResponseReceiver& receiver);
  /// An attempt gives its stream up before its end. On h1 the connection ends by RST: a FIN would be a half-close, and
  /// the peer would go on working for nobody.
  void onStreamCancelled();
  /// True for the first attempt that lost its stream with this connection: however many it carried, a broken connection
  /// is one failure of the peer.
  bool takeLossReport() { return !std::exchange(lossReported_, true); }
  /// What became of an attempt on this connection; three failures in a row end its use.
  void recordResult(bool success);

  /// Where it leads; family AF_UNSPEC where no kernel knows (any more).
  SocketAddress remote() const;

  // For FlowWatch.
  /// When it last heard anything of the peer.
  TimePoint heardAt() const { return heardAt_; }
  /// Its own bytes are not acknowledged: it takes no stream.
  bool silent() const { return flow_.state() != FlowSilence::State::kHeard; }
  /// It ended because its path has forgotten it: nobody's failure at either end.
  bool forgotten() const { return flow_.state() == FlowSilence::State::kForgotten; }
  /// It has sent something since its kernel last said that all had arrived.
  bool sentSinceAcknowledged() const { return wire_->bytesMoved() != acknowledged_; }
  /// Asks the kernel what became of what it sent. May end the connection.
  void lookAtFlow();
  /// Every second or so: what the peer may send without use is paid for by time.
  void tellTime(TimePoint now) { wire_->tellTime(now); }

 private:
  friend class Pool;

  // wire::CodecConnectionOwner
  void onTcpConnected() override;
  void onReady() override;
  void onHeard() override;
  void onSettled() override;
  void onEnded(const wire::End& end) override;
  // http::ClientCodecOwner
  void onOutputReady() override { wire_->outputReady(); }
  void onCapacityChanged() override { wire_->outputReady(); }
  void onGoAway(uint32_t errorCode, std::string_view debugData) override;
  void onPingAck(uint64_t payload) override {}

  void onConnectTimer();
  bool mayTakeStream() const;
  /// Keeps the peer's gauges (connecting, active, idle) and the idle clock right.
  void updateGauge();
  /// SYN-ACK, FIN and RST come from the peer's kernel, whatever its process does.
  void heardKernel();
  /// It has served its time: by its stream ids or its keys.
  bool wornOut() const;
  /// Ready for another stream, and nothing says that it ended since it was used.
  bool stillGood() const;

  Pool& pool_;
  const Protocol protocol_;
  State state_ = State::kConnecting;
  List::iterator self_;
  http::ClientCodec* codec_;  // wire_'s
  std::unique_ptr<wire::CodecConnection> wire_;
  const TimePoint openedAt_;
  const TimePoint askedAt_;  // the same, in the time of deadlines
  TimePoint connectBy_ = TimePoint::max();
  std::unique_ptr<event::Timer> connectTimer_;  // of being late, then of connectBy_
  stats::Value* gauge_ = nullptr;               // the one this connection is counted in
  TimePoint idleSince_;
  TimePoint heardAt_;
  FlowSilence flow_;
  TimePoint silentSince_;      // while silent()
  uint64_t acknowledged_ = 0;  // bytes moved when all that was sent had arrived
  uint64_t streamsOpened_ = 0;
  uint32_t failuresInRow_ = 0;
  int endError_ = 0;
  bool lossReported_ = false;
  bool answered_ = false;   // by the peer's kernel
  bool goingAway_ = false;  // it has sent GOAWAY
};

const char* toString(PooledConnection::State state);

}  // namespace peerpulse::upstream
