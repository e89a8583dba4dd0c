// H2Stream: the state of one h2 stream, shared by both sides, and its Stream interface.
//
// Threading: one thread.
// Ownership: the session's stream table; when nghttp2 closed the stream, the notification that tells the
//   receiver so (it is always the last one that names the stream).
// Invariants: `receiver` is null before the head was delivered (server) and after the stream was detached;
//   `detached` never goes back to false.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "header_block.h"
#include "peerpulse/base/buffer.h"
#include "peerpulse/http/codec.h"

namespace peerpulse::http::h2 {

class Session;

class H2Stream {
 public:
  H2Stream(Session& session, int32_t streamId) : session_(session), id(streamId) {}
  H2Stream(const H2Stream&) = delete;
  H2Stream& operator=(const H2Stream&) = delete;
  virtual ~H2Stream() = default;

  bool canSend() const { return headersSent && !ended && !detached; }

 protected:
  Session& session_;

 public:  // state that Session and the codecs work on
  int32_t id;
  Receiver* receiver = nullptr;
  bool detached = false;  ///< our user reset it: no more callbacks
  bool closed = false;    ///< nghttp2 closed it: the last notification is queued
  bool aborted = false;   ///< closed by a reset
  // Outgoing.
  Buffer pending;
  HeaderList outTrailers;
  bool headersSent = false;
  bool ended = false;         ///< sendEnd() was called, or headers with `end`
  bool dropBody = false;      ///< answer to HEAD, 204, 304
  bool headRequest = false;   ///< server: the request was a HEAD
  bool deferred = false;      ///< nghttp2 waits for nghttp2_session_resume_data()
  bool outgoingDone = false;  ///< END_STREAM is on the wire
  size_t sentUnreported = 0;  ///< body bytes on the wire of which no onBodySent() told yet
  // Incoming.
  std::unique_ptr<HeaderBlock> block;  ///< the section being decoded
  HeaderBudget budget;                 ///< of the message's head, for its trailers
  bool gotHead = false;                ///< request or final response head complete
  bool incomingDone = false;
  bool remoteReset = false;
  int informational = 0;
  size_t unconsumed = 0;  ///< delivered to the receiver and not given back
};

/// Adds the half of the interface that does not depend on the side.
template <class Interface>
class H2StreamOf : public Interface, public H2Stream {
 public:
  using H2Stream::H2Stream;
  void sendData(Slice data) override;
  void sendEnd(const HeaderList& trailers) override;
  void consumed(size_t n) override;
  void reset(ResetReason reason) override;
};

}  // namespace peerpulse::http::h2
