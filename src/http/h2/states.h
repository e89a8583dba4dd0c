// The states of an h2 connection and of its streams (RFC 9113 5.1), as far as nghttp2 does not keep them itself.
#pragma once

#include <cstdint>

#include "../machine.h"

namespace peerpulse::http::h2 {

/// How the connection goes on.
///
///   kOpen ---> kNoticed ---> kDraining ---> kGoodbye ---> kClosed
///     |  \--------|---------->-^   |            ^            ^
///     |           '----------------|------------'            |
///     |----------------------------|------------'            |
///     '----------------------------'---> kAbandoned -------->'      (each may become kClosed)
enum class Life : uint8_t {
  kOpen,       ///< streams begin and end
  kNoticed,    ///< server: it said that it will go, and waits until that has arrived
  kDraining,   ///< it said which stream is the last; the old ones go on
  kGoodbye,    ///< no stream, nothing is read; last words still go out
  kAbandoned,  ///< client: the remote side is dead; streams stay, what they do leads nowhere
  kClosed,     ///< nothing in, nothing out
};

constexpr bool mayFollow(Life from, Life to) {
  switch (from) {
    case Life::kOpen:
      return oneOf(to, Life::kNoticed, Life::kDraining, Life::kGoodbye, Life::kAbandoned, Life::kClosed);
    case Life::kNoticed: return oneOf(to, Life::kDraining, Life::kGoodbye, Life::kClosed);
    case Life::kDraining: return oneOf(to, Life::kGoodbye, Life::kAbandoned, Life::kClosed);
    case Life::kGoodbye:
    case Life::kAbandoned: return to == Life::kClosed;
    case Life::kClosed: return false;
  }
  return false;
}

/// Who has a stream.
///
///             .---> kParting ----.
///             |        v         |
///             |---> kForsaken ---|
///             |---> kLeft -------|
///             |                  v
///   kOpen ----+---> kClosing --> kOver
///     |       |                  ^ ^
///     |       '---> kAborting ---' |
///     '----------------------------'      (client: forgotten before its head was sent)
enum class Hold : uint8_t {
  kOpen,      ///< our user and nghttp2
  kParting,   ///< client: nghttp2 alone; our user reset it, and the reset waits (reset_pacer.h)
  kForsaken,  ///< nghttp2 alone: our user reset it, no callback follows
  kLeft,      ///< client: nghttp2 alone; a tunnel whose ways have both ended, what it was given last still goes out
  kClosing,   ///< our user alone: it ended in order, onClosed() is queued
  kAborting,  ///< our user alone: it ended otherwise, onReset() is queued
  kOver,      ///< nobody; it goes with its last notification
};

constexpr bool mayFollow(Hold from, Hold to) {
  switch (from) {
    case Hold::kOpen: return to != Hold::kOpen;
    case Hold::kParting: return oneOf(to, Hold::kForsaken, Hold::kOver);
    case Hold::kForsaken:
    case Hold::kLeft:
    case Hold::kClosing:
    case Hold::kAborting: return to == Hold::kOver;
    case Hold::kOver: return false;
  }
  return false;
}

/// What the remote side sends on a stream: kHead ---> kBody ---> kDone. Responses of 1xx leave it at kHead.
enum class Incoming : uint8_t {
  kHead,  ///< no (final) head yet
  kBody,  ///< data or trailers may follow
  kDone,  ///< END_STREAM came
};

constexpr bool mayFollow(Incoming from, Incoming to) {
  switch (from) {
    case Incoming::kHead: return to == Incoming::kBody;
    case Incoming::kBody: return to == Incoming::kDone;
    case Incoming::kDone: return false;
  }
  return false;
}

/// What our side sends on a stream.
///
///   kHead ---> kBody <---> kStarved
///     |          |            |
///     '----------+--> kEnded <'
///                       |
///                       '---> kSent
enum class Outgoing : uint8_t {
  kHead,     ///< the (final) head is still to come
  kBody,     ///< nghttp2 will ask for data
  kStarved,  ///< nghttp2 asked and there was none: it waits to be told
  kEnded,    ///< all was given
  kSent,     ///< END_STREAM is on the wire
};

constexpr bool mayFollow(Outgoing from, Outgoing to) {
  switch (from) {
    case Outgoing::kHead: return oneOf(to, Outgoing::kBody, Outgoing::kEnded);
    case Outgoing::kBody: return oneOf(to, Outgoing::kStarved, Outgoing::kEnded);
    case Outgoing::kStarved: return oneOf(to, Outgoing::kBody, Outgoing::kEnded);
    case Outgoing::kEnded: return to == Outgoing::kSent;
    case Outgoing::kSent: return false;
  }
  return false;
}

/// Whether a body may be cut by a window into a small frame (small_frame.h).
///
///   kNever <---> kAwaited ---> kAllowed
///     ^                           |
///     '---------------------------'
enum class SmallCut : uint8_t {
  kNever,
  kAwaited,  ///< it would have to be: nghttp2 waits until the window grows or the peer was asked in vain
  kAllowed,  ///< the peer has read all and gives no more room: once
};

constexpr bool mayFollow(SmallCut from, SmallCut to) {
  switch (from) {
    case SmallCut::kNever: return to == SmallCut::kAwaited;
    case SmallCut::kAwaited: return oneOf(to, SmallCut::kNever, SmallCut::kAllowed);
    case SmallCut::kAllowed: return to == SmallCut::kNever;
  }
  return false;
}

}  // namespace peerpulse::http::h2
