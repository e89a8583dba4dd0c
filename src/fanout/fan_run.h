// FanRun: an operation that asks many peers at once: quorum, aggregate, notify. Its Plan says when the caller is answered; one
// copy of the body is taken by each peer at its own pace (BodyPace).
//
// Threading, ownership: as Run.
#pragma once

#include <memory>

#include "body_pace.h"
#include "plan.h"
#include "run.h"

namespace peerpulse::fanout {

class FanRun : public Run {
 public:
  FanRun(Api& api, Call call, const http::RequestHead& head, Share share, Caller& caller);
  void start() override;

 protected:
  void onLegEnded(size_t leg) override;
  upstream::RequestSpec specOf(const Leg& leg) const;
  /// It counts as failed.
  void giveUp(size_t leg, const char* why);

 private:
  void take(const Slice& data) override;
  void takeEnd() override;
  uint64_t bodyLimit() const override { return plan_->bodyLimit(); }
  void onLegBodySent(size_t leg, uint64_t bytes) override;

  void pace();
  void armPatience();
  bool tooLate() const;
  void refuseLate();
  void carryOut(Step step);
  Answer makeAnswer() const;

  const QuorumTally* tally_ = nullptr;  // of the plan, if it has one
  const std::unique_ptr<Plan> plan_;    // after it: its making finds it
  BodyPace pace_;
  std::unique_ptr<event::Timer> patience_;  // made when first needed
  const bool waitsForPeers_;                // nobody else holds an answer up
  const std::optional<uint64_t> length_;    // of the caller's body, if he says so
  uint64_t passedOn_ = 0;                   // of it, to the legs
  const upstream::RequestSpec spec_;
};

}  // namespace peerpulse::fanout
