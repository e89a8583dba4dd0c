// Session: one accepted connection and its codec, h1 or h2c by the first bytes.
//
//   Undecided --preface--> Serving --drain(), EOF, protocol error--> Closing --all written--> Closed
//
// Threading: the loop's thread.
// Ownership: owned by its SessionHost.
#pragma once

#include <memory>
#include <string>

#include "peerpulse/http/codec.h"
#include "peerpulse/net/connection.h"
#include "peerpulse/net/flush_queue.h"

namespace peerpulse::storage_node {

class Session;

/// What a session asks of the loop it lives on.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  virtual event::Dispatcher& dispatcher() = 0;
  virtual net::ReadBlocks& readBlocks() = 0;
  virtual net::FlushQueue& flushQueue() = 0;
  /// Creates the exchange that serves the request; never null.
  virtual http::Receiver* serve(Session& session, http::ResponseStream& stream, const http::RequestHead& head) = 0;
  virtual http::Receiver* refuse(Session& session, http::ResponseStream& stream, int status,
                                 std::string_view detail) = 0;
  /// The session is over; it is destroyed at the end of the turn.
  virtual void release(Session& session) = 0;
};

class Session : public net::ConnectionCallbacks,
                public http::ServerCodecOwner,
                public net::Flushable,
                public event::DeferredDeletable {
 public:
  Session(SessionHost& host, Fd fd, TimePoint now);

  /// Finishes what is under way, then closes.
  void drain();
  /// RST, now.
  void abort();
  /// Closes a connection that has been idle or stuck for too long. Called every few seconds.
  void sweep(TimePoint now);

  void onRead(Slice data) override;
  void onReadDone() override;
  void onEof() override;
  void onWritable() override;
  void onClosed(const Error& error) override;

  void onOutputReady() override { host_.flushQueue().add(*this); }
  http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override;
  http::Receiver* onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) override;

  void flushNow() override;

 private:
  // Longer than any client keeps an idle connection in its pool.
  static constexpr Duration kIdleTimeout = seconds(120);
  // No byte moved although exchanges are under way.
  static constexpr Duration kStallTimeout = seconds(60);

  void receive(Slice data);
  bool chooseCodec();
  void end(std::string_view why);

  SessionHost& host_;
  std::unique_ptr<net::Connection> connection_;
  std::unique_ptr<http::Codec> codec_;
  std::string preface_;  // the bytes received while Undecided
  bool closing_ = false;
  bool ended_ = false;
  TimePoint lastMoved_;
  uint64_t bytesMoved_ = 0;
};

}  // namespace peerpulse::storage_node
