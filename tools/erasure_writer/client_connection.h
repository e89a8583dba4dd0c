// ClientConnection: one connection to a peer and its codec, h1 or h2c with prior knowledge.
//
//   Connecting --> Open --drain, EOF, error, protocol error--> Closed
//
// Threading: the loop's thread.
// Ownership: owned by its ClientConnectionOwner.
#pragma once

#include <memory>
#include <string>

#include "peerpulse/http/codec.h"
#include "peerpulse/net/connection.h"
#include "peerpulse/net/flush_queue.h"

namespace peerpulse::erasure_writer {

enum class Protocol : uint8_t { kHttp1, kHttp2 };

class ClientConnection;

class ClientConnectionOwner {
 public:
  virtual ~ClientConnectionOwner() = default;
  /// The connection may have room: start requests on it while canOpenStream().
  virtual void onRoom(ClientConnection& connection) = 0;
  /// The connection is over; it is to be handed to deferred deletion. `error` says why.
  virtual void onGone(ClientConnection& connection, const std::string& error) = 0;
};

class ClientConnection : public net::ConnectionCallbacks,
                         public http::ClientCodecOwner,
                         public net::Flushable,
                         public event::DeferredDeletable {
 public:
  struct Environment {
    event::Dispatcher& dispatcher;
    net::ReadBlocks& readBlocks;
    net::FlushQueue& flushQueue;
  };

  ClientConnection(const Environment& environment, const SocketAddress& address, Protocol protocol,
                   Duration connectTimeout, ClientConnectionOwner& owner);

  bool connecting() const { return connection_->state() == net::Connection::State::kConnecting; }
  /// The peer refused it, or the network did. Not so when connecting took too long: then the requests that
  /// have waited long enough end by their own timeouts, and younger ones are not to blame.
  bool refused() const { return !opened_ && !connectTimedOut_; }
  /// Takes no new requests any more.
  bool retired() const { return retired_; }
  bool canOpenStream() const;
  http::ClientCodec& codec() { return *codec_; }
  /// Closes at once, telling every request.
  void close(const std::string& why);

  void onConnected() override;
  void onRead(Slice data) override;
  void onReadDone() override;
  void onEof() override;
  void onWritable() override;
  void onClosed(const Error& error) override;

  void onOutputReady() override { environment_.flushQueue.add(*this); }
  void onCapacityChanged() override { environment_.flushQueue.add(*this); }
  void onGoAway(uint32_t errorCode, std::string_view debugData) override;
  void onPingAck(uint64_t payload) override {}

  void flushNow() override;

 private:
  Environment environment_;
  ClientConnectionOwner& owner_;
  std::unique_ptr<http::ClientCodec> codec_;
  std::unique_ptr<event::Timer> connectTimer_;
  std::unique_ptr<net::Connection> connection_;
  bool opened_ = false;
  bool connectTimedOut_ = false;
  bool retired_ = false;
  bool ended_ = false;
};

}  // namespace peerpulse::erasure_writer
