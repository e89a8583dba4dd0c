// Plan: when an operation answers its caller, and what then becomes of the legs that are still under way. Pure: the shell
// (Run) says what has happened, and does what it is told.
//
// Threading: a value of its Run's thread.
#pragma once

#include <cstdint>
#include <optional>

#include "call.h"
#include "peerpulse/fanout/options.h"
#include "quorum_tally.h"

namespace peerpulse::fanout {

/// What to do now.
enum class Step : uint8_t {
  kWait,
  kAnswer,         ///< the other legs go on
  kAnswerAndStop,  ///< they are of no use any more
};

class Plan {
 public:
  virtual ~Plan() = default;
  /// The caller's body is complete, and with every leg.
  virtual Step onBodyEnd() { return Step::kWait; }
  /// Until it has said kAnswer.
  virtual Step onLegEnded(bool acknowledged) = 0;
  /// So many legs must get the whole body.
  virtual uint32_t needed() const = 0;
  /// Beyond it the caller's body is refused; UINT64_MAX: no limit.
  virtual uint64_t bodyLimit() const { return UINT64_MAX; }
  /// The legs' answers are of use, not only whether they acknowledge.
  virtual bool keepsAnswers() const { return false; }
  /// One peer's time, if there is a bound.
  virtual std::optional<Duration> legTimeout() const { return std::nullopt; }
};

/// Answers with the quorum, or when it cannot be had any more. What is left of a read is of no use then; of a write it goes on.
class QuorumPlan final : public Plan {
 public:
  QuorumPlan(uint32_t targets, uint32_t required, bool read = false) : tally_(targets, required), read_(read) {}
  Step onLegEnded(bool acknowledged) override;
  uint32_t needed() const override { return tally_.required(); }
  bool keepsAnswers() const override { return read_; }
  const QuorumTally& tally() const { return tally_; }

 private:
  QuorumTally tally_;
  const bool read_;
};

/// Answers when every peer has, or had its time.
class AggregatePlan final : public Plan {
 public:
  AggregatePlan(uint32_t targets, const Options& options) : open_(targets), options_(options) {}
  Step onLegEnded(bool acknowledged) override;
  uint32_t needed() const override { return 0; }
  uint64_t bodyLimit() const override { return options_.replayLimit; }
  bool keepsAnswers() const override { return true; }
  std::optional<Duration> legTimeout() const override { return options_.peerTimeout; }

 private:
  uint32_t open_;
  const Options& options_;
};

/// Answers as soon as the whole notification is here.
class NotifyPlan final : public Plan {
 public:
  explicit NotifyPlan(const Options& options) : options_(options) {}
  Step onBodyEnd() override { return Step::kAnswer; }
  Step onLegEnded(bool) override { return Step::kWait; }
  uint32_t needed() const override { return 0; }
  uint64_t bodyLimit() const override { return options_.replayLimit; }
  std::optional<Duration> legTimeout() const override { return options_.notifyTimeout; }

 private:
  const Options& options_;
};

}  // namespace peerpulse::fanout
