// ClientConnection: one connection to a peer, h1 or h2c with prior knowledge.
//
// Threading: the loop's thread.
// Ownership: owned by its ClientConnectionOwner.
#pragma once

#include <memory>
#include <string>

#include "peerpulse/http/codec.h"
#include "peerpulse/wire/codec_connection.h"

namespace peerpulse::erasure_writer {

enum class Protocol : uint8_t { kHttp1, kHttp2 };

class ClientConnection;

class ClientConnectionOwner {
 public:
  virtual ~ClientConnectionOwner() = default;
  /// The connection may have room: start requests on it while canOpenStream().
  virtual void onRoom(ClientConnection& connection) = 0;
  /// The connection is over; it is to be handed to deferred deletion. `error` says why. Its requests are told next.
  virtual void onGone(ClientConnection& connection, const std::string& error) = 0;
};

class ClientConnection : public event::DeferredDeletable, wire::CodecConnectionOwner, http::ClientCodecOwner {
 public:
  ClientConnection(wire::IoContext& io, const SocketAddress& address, Protocol protocol, Duration connectTimeout,
                   ClientConnectionOwner& owner);

  bool connecting() const { return connection_.state() == wire::CodecConnection::State::kConnecting; }
  /// The peer refused it, or the network did. Not so when connecting took too long: then the requests that
  /// have waited long enough end by their own timeouts, and younger ones are not to blame.
  bool refused() const { return refused_; }
  /// Takes no new requests any more.
  bool retired() const { return retired_; }
  bool canOpenStream() const;
  http::ClientCodec& codec() { return *codec_; }
  /// onRoom() comes at the end of the turn.
  void wake() { connection_.outputReady(); }
  /// Closes at once, telling every request.
  void close(const std::string& why) { connection_.close(why); }

 private:
  // wire::CodecConnectionOwner
  void onReady() override { connectTimer_->disable(); }
  void onSettled() override { owner_.onRoom(*this); }
  void onEnded(const wire::End& end) override;
  // http::ClientCodecOwner
  void onOutputReady() override { connection_.outputReady(); }
  void onCapacityChanged() override { wake(); }
  void onGoAway(uint32_t, std::string_view) override { retired_ = true; }
  void onPingAck(uint64_t) override {}

  std::unique_ptr<http::ClientCodec> makeCodec(Protocol protocol);

  ClientConnectionOwner& owner_;
  http::ClientCodec* codec_ = nullptr;  // the connection's
  wire::CodecConnection connection_;
  std::unique_ptr<event::Timer> connectTimer_;
  bool refused_ = false;
  bool retired_ = false;
};

}  // namespace peerpulse::erasure_writer
