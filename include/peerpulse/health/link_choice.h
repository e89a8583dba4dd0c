// LinkChoice: whether a peer is reached by the link to the peerpulse beside it, and if not, whether by its own address
// meanwhile.
//
//            answered                   failed
//   down ------------------> up ------------------> down
//    | ^                      ^
//    | |                      | answered
//    | +--(never)             |
//    +--------------> fallback           only where that is allowed (prefer)
//      kLosses failures in a row, and as many connects in a row to the peer's own address answered meanwhile
//
// A dead host is no reason for a fallback, and no more is a store that is gone, for whose sake the peerpulse beside it refuses: then
// the own address answers as little. What is asked there is one connect each kCheckInterval, only while the link is down.
// A link that is lost is tried again every `retry`, besides what the peer's probes do.
//
// Threading: none. No clock: `now` must not go backwards.
#pragma once

#include <cstdint>

#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/time.h"

namespace peerpulse::health {

enum class LinkState : uint8_t {
  kDown,      ///< it does not answer (or was not asked yet), and nothing goes by another way
  kUp,        ///< traffic goes by it
  kFallback,  ///< traffic goes to the peer's own address
};
/// "down", "up", "fallback".
const char* toString(LinkState state);

/// Why a link is not there, in words: "refused", "silence", "tls_certificate", ...; "none" for 0 of one that was not asked yet.
/// `why`: an errno value or a TlsFailure.
const char* linkTrouble(int why);

struct LinkChange {
  PeerId peer{};
  LinkState from{};
  LinkState to{};
  int why = 0;  ///< of one that is not up: an errno value or a TlsFailure
  TimePoint at;
};

class LinkChoice {
 public:
  static constexpr uint32_t kLosses = 3;
  static constexpr Duration kCheckInterval = milliseconds(50);

  /// What the shell is to do now; it is not asked again before the answer is given.
  enum class Ask : uint8_t {
    kNothing,
    kDirect,  ///< one connect to the peer's own address: onDirect() tells what became of it
    kLink,    ///< one try of the link from scratch: answered() or failed()
  };

  LinkChoice(bool mayFallBack, Duration retry) : mayFallBack_(mayFallBack), retry_(retry) {}

  /// The peerpulse there has answered by the link.
  void answered();
  /// A try of the link failed. `why` is not 0.
  void failed(int why, TimePoint now);
  /// The detector's own many tries were met by silence.
  void silent(TimePoint now);
  void onDirect(bool answered, TimePoint now);
  Ask tick(TimePoint now);

  LinkState state() const { return state_; }
  int why() const { return why_; }
  /// TimePoint::max() when there is none.
  TimePoint nextDeadline() const;

 private:
  void lost(uint32_t failures, int why, TimePoint now);
  void transition(LinkState to);

  const bool mayFallBack_;
  const Duration retry_;
  LinkState state_ = LinkState::kDown;
  int why_ = 0;
  uint32_t failures_ = 0;       // in a row
  uint32_t directAnswers_ = 0;  // in a row, while down
  bool askingDirect_ = false;
  bool askingLink_ = false;
  TimePoint checkAt_ = TimePoint::max();
  TimePoint retryAt_ = TimePoint::max();
};

}  // namespace peerpulse::health
