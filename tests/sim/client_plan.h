// ClientPlan: what a local client is going to do on one connection, and what it does to each of its requests. Drawn from
// the seed; a named scenario sets the fields.
#pragma once

#include <cstdint>
#include <optional>

#include "peerpulse/base/time.h"
#include "random.h"
#include "request_ledger.h"

namespace peerpulse::sim {

/// How fast a client reads, or writes.
enum class Pace : uint8_t { kAtOnce, kSlowly, kStops };

struct RequestPlan {
  Wish wish = Wish::kGet;
  uint64_t body = 0, answer = 0;
  Pace reads = Pace::kAtOnce, writes = Pace::kAtOnce;
  Duration pace{};  ///< between two pieces of kSlowly
  std::optional<Duration> cancelAfter;
  std::optional<Duration> vanishAfter;  ///< its connection is reset
  std::optional<Duration> deadline;     ///< grpc-timeout
  bool honest = true;                   ///< nobody on its connection does anything wrong
};

struct ConnectionPlan {
  bool http2 = false;
  uint32_t requests = 1;
  uint32_t concurrency = 1;
  Duration think{};  ///< between the end of one and the next
  /// Nothing else than a small GET every so long, whether or not the others were answered; zero: no.
  Duration metronome{};
  uint32_t hostile = 0;  ///< so many percent of its requests are
};

/// What those who draw need to know of the peer.
struct PeerAbilities {
  bool http2 = true;
  bool tunnels = true;
};

ConnectionPlan drawConnection(Random& random, const PeerAbilities& peer, bool hostile, Duration think);
RequestPlan drawRequest(Random& random, const ConnectionPlan& connection, const PeerAbilities& peer);

/// A client that speaks for itself, byte by byte.
enum class RawScript : uint8_t {
  kGarbage,
  kHalfClosed,    ///< a request, then FIN; waits for the answer
  kPartOfHead,    ///< and no more
  kPartOfBody,    ///< then FIN
  kVanishes,      ///< part of a body, then RST
  kPipelined,     ///< two requests at once
  kBadFrames,     ///< of HTTP/2
  kConnectsOnly,  ///< says nothing and goes
};
inline constexpr uint32_t kRawScripts = 8;

}  // namespace peerpulse::sim
