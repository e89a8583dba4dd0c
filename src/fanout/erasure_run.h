// ErasureRun: one chunk of an erasure set, written to its own disk, or if that fails to the healthiest spare of the set.
//
// A disk that did not acknowledge is never claimed to have the chunk: what became of a request whose whole body was sent and
// whose answer never came is uncertain, and the fallback writes elsewhere. The body is kept until the end, up to
// api.replay_limit; beyond that there is no other disk once it has been passed on.
//
// Threading, ownership: as Run.
#pragma once

#include "peerpulse/base/buffer.h"
#include "run.h"

namespace peerpulse::fanout {

class ErasureRun final : public Run {
 public:
  ErasureRun(Api& api, Call call, const http::RequestHead& head, Share share, Caller& caller);
  void start() override { attempt(0); }

 private:
  void take(const Slice& data) override;
  void takeEnd() override;
  void onLegBodySent(size_t leg, uint64_t bytes) override;
  void onLegEnded(size_t leg) override;

  void attempt(size_t target);
  upstream::RequestSpec specFor(const Target& target) const;
  bool beyondLimit() const;
  void letGo();
  bool mayFallBack() const;
  std::optional<size_t> nextSpare() const;
  Leg& current() const { return *legs().back(); }

  const http::RequestHead head_;
  std::vector<bool> tried_;       // by target
  std::vector<size_t> targetOf_;  // by leg
  Buffer kept_;                   // all of the body so far, while it fits, or nothing of it has been passed on
  bool whole_ = true;             // it is
  uint64_t uncredited_ = 0;
};

}  // namespace peerpulse::fanout
