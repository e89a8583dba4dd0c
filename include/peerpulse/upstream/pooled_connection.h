// PooledConnection: one connection to a peer and the client codec on it. It belongs to one pool and reports
// every change of its usability there; exchanges only open streams on it.
//
//   Connecting --established--> Ready <--stream capacity--> Busy
//   Ready, Busy --GOAWAY / Connection: close / 3 failures--> Draining
//   any --the peer is dead--> Condemned
//   any --error / finished / closed by the pool--> Closed
// The state is the pool's list the connection is in (see ConnectionPool).
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
#include "peerpulse/net/connection.h"
#include "peerpulse/net/flush_queue.h"
#include "peerpulse/stats/peer_stats.h"

namespace peerpulse::upstream {

class ConnectionPool;

class PooledConnection : public event::DeferredDeletable,
                         public net::ConnectionCallbacks,
                         public http::ClientCodecOwner,
                         public net::Flushable {
 public:
  enum class State : uint8_t { kConnecting, kReady, kBusy, kDraining, kCondemned, kClosed };
  using List = std::list<std::unique_ptr<PooledConnection>>;

  explicit PooledConnection(ConnectionPool& pool);
  ~PooledConnection() override;

  State state() const { return state_; }
  size_t activeStreams() const { return codec_->activeStreams(); }
  bool idle() const { return state_ == State::kReady && activeStreams() == 0; }
  /// True once a stream was opened on it before: it may have died unnoticed since.
  bool reused() const { return streamsOpened_ > 1; }

  /// Requires state() == kReady.
  http::RequestStream& openStream(http::ResponseReceiver& receiver);
  /// An exchange gives its stream up before its end. On h1 the connection ends by RST: a FIN would be a
  /// half-close, and the peer would go on working for nobody.
  void onStreamCancelled() { cancelled_ = true; }
  /// True for the first exchange that lost its stream with this connection: however many it carried, a broken
  /// connection is one failure of the peer.
  bool takeLossReport() { return !std::exchange(lossReported_, true); }
  /// What became of an exchange on this connection; three failures in a row end its use.
  void recordResult(bool success);

 private:
  friend class ConnectionPool;

  // net::ConnectionCallbacks
  void onConnected() override;
  void onRead(Slice data) override;
  void onReadDone() override;
  void onEof() override;
  void onWritable() override;
  void onClosed(const Error& error) override;
  // http::ClientCodecOwner
  void onOutputReady() override;
  void onCapacityChanged() override;
  void onGoAway(uint32_t errorCode, std::string_view debugData) override;
  void onPingAck(uint64_t payload) override {}
  // net::Flushable
  void flushNow() override;

  void heardKernel();
  void flushLater();
  /// Keeps the peer's gauges (connecting, active, idle) and the idle clock right.
  void updateGauge();
  /// True if the kernel holds unread bytes or an end: an idle h1 connection must not be reused then.
  bool readableNow() const;
  /// Ends the connection and every stream on it.
  void shut(std::string_view why, bool reset);

  ConnectionPool& pool_;
  State state_ = State::kConnecting;
  List::iterator self_;
  std::unique_ptr<http::ClientCodec> codec_;
  std::unique_ptr<net::Connection> connection_;
  std::unique_ptr<event::Timer> connectTimer_;
  stats::Value* gauge_ = nullptr;  // the one this connection is counted in
  TimePoint idleSince_;
  uint64_t streamsOpened_ = 0;
  uint32_t failuresInRow_ = 0;
  bool cancelled_ = false;
  bool lossReported_ = false;
};

}  // namespace peerpulse::upstream
