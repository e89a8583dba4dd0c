// H2Stream: one h2 stream, shared by both sides, and the half of its Stream interface that does not depend on
// the side.
//
// Threading: one thread.
// Ownership: the session's table, until the last notification that names it was delivered.
// Invariants: `receiver` is null before the head was delivered (server) and once our user is gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "header_block.h"
#include "peerpulse/base/buffer.h"
#include "peerpulse/http/codec.h"
#include "states.h"

namespace peerpulse::http::h2 {

class Session;

class H2Stream {
 public:
  H2Stream(Session& session, int32_t streamId) : session_(session), id(streamId) {}
  H2Stream(const H2Stream&) = delete;
  H2Stream& operator=(const H2Stream&) = delete;
  virtual ~H2Stream() = default;

 protected:
  Session& session_;

 public:            // what Session and the codecs work on
  int32_t id;       ///< 0: a request whose head was not sent
  size_t slot = 0;  ///< in the session's table
  Receiver* receiver = nullptr;
  Machine<Hold> hold{Hold::kOpen};  ///< changed by Session only, which counts
  // Outgoing.
  Machine<Outgoing> outgoing{Outgoing::kHead};
  Buffer pending;
  HeaderList outTrailers;
  std::string tunnel;                            ///< the protocol that an extended CONNECT asks for (RFC 8441)
  bool headRequest = false;                      ///< the request is a HEAD
  bool dropBody = false;                         ///< answer to HEAD, 204, 304
  size_t sentUnreported = 0;                     ///< body bytes on the wire of which no onBodySent() told yet
  uint64_t uncredited = 0;                       ///< body bytes on the wire that no WINDOW_UPDATE gave back yet
  Machine<SmallCut> smallCut{SmallCut::kNever};  ///< changed by Session only, which counts
  uint64_t windowBarrier = 0;                    ///< while awaited: what proves that no more room is to come
  uint32_t waitingReset = 0;                     ///< while parting: its error code
  // Incoming.
  Machine<Incoming> incoming{Incoming::kHead};
  HeaderBudget budget;    ///< of the message's head, for its trailers
  size_t headExcess = 0;  ///< of its sections, in the connection's HeadRoom
  bool rstReceived = false;
  int informational = 0;
  size_t unconsumed = 0;  ///< delivered to the receiver and not given back
  size_t allowed = 0;     ///< client: the window its user asked for; 0: the first one
};

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
