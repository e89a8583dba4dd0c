// Session: one accepted connection, h1 or h2c by the first bytes.
//
// Threading: the loop's thread.
// Ownership: owned by its SessionHost.
#pragma once

#include <memory>

#include "peerpulse/http/codec.h"
#include "peerpulse/wire/codec_connection.h"

namespace peerpulse::storage_node {

class Session;

/// What a session asks of the loop it lives on.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  virtual wire::IoContext& io() = 0;
  /// Creates the exchange that serves the request; never null.
  virtual http::Receiver* serve(Session& session, http::ResponseStream& stream, const http::RequestHead& head) = 0;
  virtual http::Receiver* refuse(Session& session, http::ResponseStream& stream, int status,
                                 std::string_view detail) = 0;
  /// The session is over; it is destroyed at the end of the turn.
  virtual void release(Session& session) = 0;
};

class Session : public event::DeferredDeletable, wire::CodecConnectionOwner, http::ServerCodecOwner {
 public:
  Session(SessionHost& host, std::unique_ptr<net::Transport> transport);

  /// Finishes what is under way, then closes.
  void drain();
  /// RST, now.
  void abort() { connection_.abort("the server is going away"); }
  /// Closes a connection that has been idle or stuck for too long. Called every few seconds.
  void sweep(TimePoint now);

 private:
  // Longer than any client keeps an idle connection in its pool.
  static constexpr Duration kIdleTimeout = seconds(120);
  // No byte moved although exchanges are under way.
  static constexpr Duration kStallTimeout = seconds(60);

  std::unique_ptr<http::Codec> createCodec(http::Preface preface) override;
  void onEnded(const wire::End&) override { host_.release(*this); }
  void onOutputReady() override { connection_.outputReady(); }
  http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override;
  http::Receiver* onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) override;

  SessionHost& host_;
  wire::CodecConnection connection_;
  TimePoint lastMoved_;
  uint64_t bytesMoved_ = 0;
};

}  // namespace peerpulse::storage_node
