#include "plan.h"

namespace peerpulse::fanout {

Step QuorumPlan::onLegEnded(bool acknowledged) {
  if (acknowledged) {
    tally_.onAcknowledged();
  } else {
    tally_.onFailed();
  }
  switch (tally_.standing()) {
    case QuorumTally::Standing::kOpen: return Step::kWait;
    case QuorumTally::Standing::kReached: return read_ ? Step::kAnswerAndStop : Step::kAnswer;
    case QuorumTally::Standing::kLost: return Step::kAnswerAndStop;
  }
  return Step::kWait;
}

Step AggregatePlan::onLegEnded(bool) {
  PP_ASSERT(open_ > 0);
  return --open_ == 0 ? Step::kAnswer : Step::kWait;
}

}  // namespace peerpulse::fanout
