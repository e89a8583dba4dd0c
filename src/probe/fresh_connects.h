// FreshConnects: bare TCP connects to one peer that only ask its kernel: is anybody there? Of a peer with several
// addresses each is asked in turn, but for the cadence: that stays with the first as long as it answers. Host checks go to
// another port of the first. Each is closed in order (FIN) as soon as it is answered: a process that accepts one finds
// nothing to read, while a reset is an error in its log. What that costs is a TIME_WAIT of a minute here for each.
// So those of a cadence faster than kOrderlyInterval are reset all the same: they would use up the local ports.
//
// Threading: the prober's thread.
// Bounds: at most kMax at a time; one more drops the oldest, which start() says.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/health/probe_event.h"
#include "peerpulse/net/address_order.h"

struct pollfd;

namespace peerpulse::probe {

class FreshConnects {
 public:
  static constexpr size_t kMax = 32;
  /// 6,000 TIME_WAITs a minute, of 28,000 ports.
  static constexpr Duration kOrderlyInterval = milliseconds(10);

  using Report = std::function<void(const health::ConnectResult&, const SocketAddress& asked)>;

  /// `addresses` outlives it, and may change. `interval`: of the cadence of ConnectPurpose::kProbe, the most frequent. `mark` and `source` are those of their sockets (net::setMark(), bindSource()).
  /// `report` is never called from inside start().
  FreshConnects(event::Dispatcher& dispatcher, const net::AddressOrder& addresses, uint16_t hostCheckPort,
                Duration interval, Report report, uint32_t mark = 0, const SocketAddress& source = {});
  ~FreshConnects();

  struct Started {
    int error = 0;  ///< of one that could not be sent at all, or was refused at once
    SocketAddress asked;
    std::optional<health::ConnectPurpose> dropped;  ///< the one, unanswered, that had to make room
  };
  Started start(health::ConnectPurpose purpose);
  /// Returns how many there were, none of them answered.
  size_t stop(health::ConnectPurpose purpose);

  /// Appends what poll() would tell about unfinished connects.
  void addPollFds(std::vector<pollfd>& fds) const;

 private:
  class Connect;
  void finished(Connect& connect);
  SocketAddress next(health::ConnectPurpose purpose);

  event::Dispatcher& dispatcher_;
  const net::AddressOrder& addresses_;
  const uint16_t hostCheckPort_;
  const bool resetProbes_;
  Report report_;
  const uint32_t mark_;
  const SocketAddress source_;
  size_t turn_ = 0;
  size_t probeTurn_ = 0;                            // of the cadence: goes on when there is no answer
  std::vector<std::unique_ptr<Connect>> connects_;  // oldest first
};

}  // namespace peerpulse::probe
