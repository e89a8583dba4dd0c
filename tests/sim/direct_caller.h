// DirectCaller: somebody on a worker who owns upstream::Requests without any downstream connection, as the fan-out will.
// It sees what an Exchange does not show: each callback, and whether one comes after the end.
//
// Threading: its worker's thread. Ownership: owns its requests.
#pragma once

#include <list>
#include <memory>
#include <optional>

#include "body_pattern.h"
#include "peerpulse/proxy/worker_context.h"
#include "peerpulse/upstream/request.h"
#include "random.h"
#include "request_ledger.h"

namespace peerpulse::sim {

class DirectCaller {
 public:
  /// One request about every `every`.
  DirectCaller(proxy::WorkerContext& context, uint8_t peer, bool http2, Duration every, Random random,
               RequestLedger& ledger, const BodyPattern& pattern, RuleBreaks& breaks);
  ~DirectCaller();
  void stop() { timer_->disable(); }
  bool idle() const { return calls_.empty(); }
  void cutOff();

 private:
  class Call;
  void next();

  proxy::WorkerContext& context_;
  const uint8_t peer_;
  const bool http2_;
  const Duration every_;
  Random random_;
  RequestLedger& ledger_;
  const BodyPattern& pattern_;
  RuleBreaks& breaks_;
  std::unique_ptr<event::Timer> timer_;
  std::list<std::unique_ptr<Call>> calls_;
};

}  // namespace peerpulse::sim
