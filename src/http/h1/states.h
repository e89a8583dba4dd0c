// The states of an h1 connection: how long it lives, and where each direction of the exchange on it stands.
// At most one exchange at a time, so the directions belong to the connection.
#pragma once

#include <cstdint>

#include "../machine.h"

namespace peerpulse::http::h1 {

/// How the connection goes on.
///
///   kOpen ----> kLast ----> kClosing ----> kBroken
///     |  \        |  \        ^              ^
///     |   \       v   \       |              |
///     |    `-> kTunnel ----->-'              |
///     `-----------'----------'---------------'        (each may break, each but a tunnel may become one)
enum class Life : uint8_t {
  kOpen,     ///< another exchange may follow
  kLast,     ///< none follows the one that is on, or whose head has begun
  kTunnel,   ///< that one switched protocols
  kClosing,  ///< none is on; what was said still goes out
  kBroken,   ///< ended against the order: of what was to be said only a last answer remains
};

constexpr bool mayFollow(Life from, Life to) {
  switch (from) {
    case Life::kOpen: return oneOf(to, Life::kLast, Life::kTunnel, Life::kClosing, Life::kBroken);
    case Life::kLast: return oneOf(to, Life::kTunnel, Life::kClosing, Life::kBroken);
    case Life::kTunnel: return oneOf(to, Life::kClosing, Life::kBroken);
    case Life::kClosing: return to == Life::kBroken;
    case Life::kBroken: return false;
  }
  return false;
}

/// What the remote side sends.
///
///             server (requests)                              client (responses)
///
///            .------------------------.                     .-----------------------.
///            v                        |                     v                       |
///          kHead ---> kBody ---> kDone ---> kTunnel        kIdle <--> kHead ---> kBody ---> kDone
///                      | ^ |                                            |
///                      v | v                                            v
///                kBetween kDiscard                                   kTunnel
///
///   kBetween ---> kDone as well, and from each of them to kClosed.
enum class Incoming : uint8_t {
  kIdle,     ///< client: nothing was asked, nothing may come
  kHead,     ///< between messages or inside a head
  kBody,     ///< the head was told
  kBetween,  ///< server: the first of two bodies is complete; a 100 asks for the other one, an answer for nothing more
  kDone,     ///< the message is complete; what follows waits (server) or belongs to nothing (client)
  kDiscard,  ///< server: answered early, the rest of the request goes nowhere
  kTunnel,   ///< raw bytes
  kClosed,   ///< nothing more is read: FIN, fault, or the last exchange is over
};

constexpr bool mayFollow(Incoming from, Incoming to) {
  if (to == Incoming::kClosed) return from != Incoming::kClosed;
  switch (from) {
    case Incoming::kIdle: return to == Incoming::kHead;
    case Incoming::kHead: return oneOf(to, Incoming::kBody, Incoming::kIdle, Incoming::kTunnel);
    case Incoming::kBody: return oneOf(to, Incoming::kBetween, Incoming::kDone, Incoming::kDiscard);
    case Incoming::kBetween: return oneOf(to, Incoming::kBody, Incoming::kDone);
    case Incoming::kDone: return oneOf(to, Incoming::kHead, Incoming::kIdle, Incoming::kTunnel);
    case Incoming::kDiscard:
    case Incoming::kTunnel:
    case Incoming::kClosed: return false;
  }
  return false;
}

/// What our side sends; there is a stream unless it is kNone.
///
///    .---------------------------------------------.
///    v                                             |
///   kNone ---> kHead ---> kBody ---> kEnded ---> kSent
///                 |       |   ^       ^            |
///                 |       |   '-------+------------'   (client: the request is out, a tunnel follows)
///                 `-------+-----------'
///                 |       |
///                 `---> kSpoiled                       and from each of them to kNone
enum class Outgoing : uint8_t {
  kNone,     ///< no stream
  kHead,     ///< the (final) head is still to come
  kBody,     ///< head given; data may follow
  kEnded,    ///< all was given, not all has left
  kSent,     ///< all has left
  kSpoiled,  ///< it broke its own framing: the connection breaks when what was given has left
};

constexpr bool mayFollow(Outgoing from, Outgoing to) {
  if (to == Outgoing::kNone) return from != Outgoing::kNone;
  switch (from) {
    case Outgoing::kNone: return to == Outgoing::kHead;
    case Outgoing::kHead: return oneOf(to, Outgoing::kBody, Outgoing::kEnded, Outgoing::kSpoiled);
    case Outgoing::kBody: return oneOf(to, Outgoing::kEnded, Outgoing::kSpoiled);
    case Outgoing::kEnded: return to == Outgoing::kSent;
    case Outgoing::kSent: return to == Outgoing::kBody;
    case Outgoing::kSpoiled: return false;
  }
  return false;
}

/// For tests and for whoever asks what a connection is doing.
struct States {
  Life life;
  Incoming incoming;
  Outgoing outgoing;
};

}  // namespace peerpulse::http::h1
