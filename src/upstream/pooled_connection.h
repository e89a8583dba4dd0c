// PooledConnection: one connection to a peer and the client codec on it. It belongs to one pool and reports every change of
// its usability there; attempts only open streams on it.
//
//   Connecting --ready--> Ready <--stream capacity--> Busy
//   Ready, Busy --GOAWAY / Connection: close / 3 failures--> Draining
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

#include "peerpulse/base/time.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/stats/peer_stats.h"
#include "peerpulse/upstream/options.h"
#include "peerpulse/wire/codec_connection.h"

namespace peerpulse::upstream {

class Pool;

class PooledConnection final : public event::DeferredDeletable,
                               public wire::CodecConnectionOwner,
                               public http::ClientCodecOwner {
 public:
  enum class State : uint8_t { kConnecting, kReady, kBusy, kDraining, kCondemned, kClosed };
  static constexpr size_t kListedStates = 5;  // Closed connections are in no list
  using List = std::list<std::unique_ptr<PooledConnection>>;

  /// `protocol` must not be kAuto.
  PooledConnection(Pool& pool, Protocol protocol);
  ~PooledConnection() override;

  State state() const { return state_; }
  Protocol protocol() const { return protocol_; }
  size_t activeStreams() const { return codec_->activeStreams(); }
  bool idle() const { return state_ == State::kReady && activeStreams() == 0; }
  /// True once a stream was opened on it before: it may have died unnoticed since.
  bool reused() const { return streamsOpened_ > 1; }
  /// The peer said that it will end the connection.
  bool ending() const { return state_ == State::kDraining; }

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

  bool mayTakeStream() const;
  /// Keeps the peer's gauges (connecting, active, idle) and the idle clock right.
  void updateGauge();
  /// SYN-ACK, FIN and RST come from the peer's kernel, whatever its process does.
  void heardKernel();
  /// Ready for another stream, and nothing says that it ended since it was used.
  bool stillGood() const;

  Pool& pool_;
  const Protocol protocol_;
  State state_ = State::kConnecting;
  List::iterator self_;
  http::ClientCodec* codec_;  // wire_'s
  std::unique_ptr<wire::CodecConnection> wire_;
  std::unique_ptr<event::Timer> connectTimer_;
  stats::Value* gauge_ = nullptr;  // the one this connection is counted in
  TimePoint idleSince_;
  uint64_t streamsOpened_ = 0;
  uint32_t failuresInRow_ = 0;
  bool lossReported_ = false;
};

const char* toString(PooledConnection::State state);

}  // namespace peerpulse::upstream
