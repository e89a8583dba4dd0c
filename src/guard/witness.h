// Witness: asks somebody else on the network, by a TCP connect, whether he hears us. Any answer of his kernel is a word.
//
// Threading: the loop's thread.
#pragma once

#include <functional>
#include <memory>

#include "peerpulse/base/address.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/base/time.h"
#include "peerpulse/event/dispatcher.h"

namespace peerpulse::guard {

class Witness {
 public:
  /// `onHeard` follows each word of his. `mark` as in Options: he may be a peer's address.
  Witness(event::Dispatcher& dispatcher, const SocketAddress& address, uint32_t mark, std::function<void()> onHeard);

  /// Asks, unless a question is open that is younger than kPatience. What cannot be asked is not answered.
  void ask();
  /// TimePoint(): never.
  TimePoint heard() const { return heard_; }
  /// When a question of his was given up last; TimePoint(): never.
  TimePoint silent() const { return silent_; }

  static constexpr Duration kPatience = milliseconds(200);

 private:
  void onAnswer();

  event::Dispatcher& dispatcher_;
  const SocketAddress address_;
  const uint32_t mark_;
  std::function<void()> onHeard_;
  Fd fd_;
  std::unique_ptr<event::FileEvent> event_;
  TimePoint askedAt_;
  TimePoint heard_;
  TimePoint silent_;
};

}  // namespace peerpulse::guard
