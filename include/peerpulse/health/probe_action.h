// What PeerHealth tells its shell to do. A fixed-capacity list: nothing is called back, nothing allocates, and an empty
// one, which most events leave, costs nothing: its places are raw memory until they are taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <variant>

#include "peerpulse/base/assert.h"
#include "peerpulse/health/probe_event.h"
#include "peerpulse/health/rung_change.h"
#include "peerpulse/health/transition.h"
#include "peerpulse/health/trend.h"

namespace peerpulse::health {

enum class ConnectionKind : uint8_t {
  kHttp2,  ///< preface, SETTINGS, and PINGs as told
  /// HTTP/1.1 requests as told: HEAD of the health path, or OPTIONS * where there is none. Of a peer that answers none it
  /// stays idle: its kernel's ACKs are all that is asked for.
  kRequests,
};

/// Opens the probe connection; there is none now.
struct OpenConnection {
  uint32_t epoch = 0;
  ConnectionKind kind{};
};
/// Closes the probe connection. No event of its epoch counts any more.
struct CloseConnection {
  uint32_t epoch = 0;
};
struct SendPing {
  uint32_t epoch = 0;
  uint32_t sequence = 0;
};
/// Sends a request on the probe connection; none is unanswered there.
struct SendRequest {
  uint32_t epoch = 0;
};
/// Makes the peer's kernel acknowledge on the probe connection, unseen by its process (a keepalive probe), if nothing has
/// come on it for a second.
struct DrawAck {
  uint32_t epoch = 0;
};
/// Sends an ICMP echo request to the peer's host.
struct SendEcho {
  uint32_t sequence = 0;
};
/// Opens `count` fresh connections in parallel; each is closed once answered, and reported.
struct StartConnects {
  ConnectPurpose purpose{};
  uint32_t count = 0;
};
/// Drops the fresh connections of that purpose that were not answered yet; nothing is reported.
struct StopConnects {
  ConnectPurpose purpose{};
};
/// CircuitTable::publish().
struct Publish {
  CircuitWord word;
};
/// A verdict or circuit changed; follows its Publish.
struct Report {
  Transition transition;
};

/// The peer is probed in another way than before: for people.
struct ReportRungs {
  RungChange change;
};

/// The peer gets worse (Trend): for people; nothing else changes.
struct Warn {
  Degrading degrading;
};

using Action = std::variant<OpenConnection, CloseConnection, SendPing, SendRequest, DrawAck, SendEcho, StartConnects,
                            StopConnects, Publish, Report, ReportRungs, Warn>;

class Actions {
 public:
  static constexpr size_t kCapacity = 24;

  Actions() = default;
  Actions(const Actions& other) {
    for (const Action& action : other)
      add(action);
  }
  Actions& operator=(const Actions&) = delete;

  void add(const Action& action) {
    PP_ASSERT(count_ < kCapacity);
    new (memory_ + count_++ * sizeof(Action)) Action(action);
  }
  size_t size() const { return count_; }
  const Action* begin() const { return std::launder(reinterpret_cast<const Action*>(memory_)); }
  const Action* end() const { return begin() + count_; }

 private:
  static_assert(std::is_trivially_destructible_v<Action>);

  alignas(Action) std::byte memory_[kCapacity * sizeof(Action)];
  size_t count_ = 0;
};

}  // namespace peerpulse::health
