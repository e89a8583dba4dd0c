// HedgedRead: a read that does not wait for whoever is late: one more request is sent for him, and the first answer counts.
//
// Where a few answers are enough (GET /quorum) only as many peers are asked as the quorum needs, the best first (read_order.h); for
// one that is late or has failed the next one is asked. Where every peer's answer is wanted (GET /aggregate) the same peer is asked
// again, over another connection: that helps where one connection or one request is slow, and not where the whole node is.
//
// Each such request is charged to the retry budget of the peer that gets it; without that it is not sent. What nobody needs any
// more is cancelled, and counts against nobody.
//
// Threading, ownership: as Run.
#pragma once

#include <deque>

#include "fan_run.h"
#include "hedging.h"
#include "read_order.h"

namespace peerpulse::fanout {

class HedgedRead final : public FanRun {
 public:
  HedgedRead(Api& api, Call call, const http::RequestHead& head, Share share, Caller& caller);
  void start() override;

 private:
  void onLegEnded(size_t leg) override;

  bool asksSome() const { return call().operation == Operation::kQuorum; }
  void ask(size_t leg);
  void askNext();
  void giveUpUnasked();
  void onTimer();
  void armTimer();
  void hedge(size_t late);
  void hedgeByNext();
  void hedgeAgain(size_t leg);
  bool mayAsk(const upstream::PeerOptions& peer) const;
  TimePoint stamp() const;
  void remember(const Leg& leg) const;

  /// Of the peer's latency, as of when it was first asked for.
  struct Known {
    Duration typical{};  ///< zero: nothing, of late
    std::optional<Duration> hedgeDelay;
  };
  const Known& knownOf(size_t leg);
  std::optional<Duration> delayFor(size_t leg);
  Reader readerOf(size_t leg);
  std::vector<size_t> order();

  Hedging hedging_;
  std::vector<std::optional<Known>> known_;
  std::deque<size_t> unasked_;  // where some are enough, the best first
  std::unique_ptr<event::Timer> timer_;
};

}  // namespace peerpulse::fanout
