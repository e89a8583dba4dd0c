// TransitionHook: what of the transitions a program outside is run for. A suspicion is a question: its answer follows within
// milliseconds, and only that is told, if it is another state than the last one told. So `from` is what was told before.
// Every state that lasts is told, in the end (hooks::HookRunner: the last one wins).
//
// Threading: the main thread, which makes the document; the runner has one of its own.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "peerpulse/base/time.h"
#include "peerpulse/health/transition.h"

namespace peerpulse::server {

class TransitionHook {
 public:
  using Tell = std::function<void(const health::Transition&, WallTime at)>;
  explicit TransitionHook(Tell tell) : tell_(std::move(tell)) {}

  void onTransition(health::Transition transition, WallTime at);

 private:
  struct Told {
    PeerId peer{};
    health::CircuitWord word;
  };

  Tell tell_;
  std::vector<Told> told_;  // by slot
};

}  // namespace peerpulse::server
