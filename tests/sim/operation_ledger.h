// OperationLedger: every operation of the fan-out API that a scripted caller asked for, and how it ended for him. Its legs are
// entries of the RequestLedger, which sees them at the peers; so it knows what an answer may say of them (rules 18 and 19 of
// checkers.h), and what of it must not fail (rule 23).
//
// Threading: one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "body_pattern.h"
#include "carry_setup.h"
#include "event_log.h"
#include "peerpulse/base/time.h"
#include "request_ledger.h"

namespace peerpulse::sim {

enum class Asked : uint8_t { kQuorum, kAggregate, kNotify, kErasure };
inline constexpr size_t kAsked = 4;
const char* toString(Asked asked);

/// How an operation ended for its caller.
enum class OperationEnd : uint8_t {
  kAnswered,
  kBroken,  ///< by the other side
  kLeft,    ///< by himself
};
const char* toString(OperationEnd end);

struct OperationEntry {
  uint32_t number = 0;  ///< of the operation
  uint32_t id = 0;      ///< of its first leg; the others follow
  Asked asked{};
  std::vector<uint32_t> targets;  ///< legs, in the order asked; erasure: its own disk, then the spares
  uint32_t required = 0;          ///< quorum
  uint64_t body = 0;
  std::optional<Duration> deadline;
  bool honest = true;  ///< its caller reads, and neither he nor his connection goes away
  bool paced = false;  ///< he takes his time with the body
  TimePoint began;
  Duration lateBefore{};  ///< what the own process had stood still when it began

  uint64_t bodySent = 0;
  TimePoint bodyWhole = TimePoint::max();  ///< since then it is all with the connection
  bool ended = false;
  OperationEnd end{};
  TimePoint endedAt = TimePoint::max();
  int status = 0;
};

class OperationLedger {
 public:
  OperationLedger(RequestLedger& legs, RuleBreaks& breaks, EventLog& log, const BodyPattern& pattern,
                  const CarrySetup& setup, uint32_t peers);

  /// `answer`: bytes that each peer will say.
  OperationEntry& open(Asked asked, std::vector<uint32_t> targets, uint64_t body, uint64_t answer, TimePoint now);
  OperationEntry& entry(uint32_t number) { return entries_[number]; }
  void answered(OperationEntry& operation, const http::ResponseHead& head, const std::string& text, TimePoint now);
  void ended(OperationEntry& operation, OperationEnd how, TimePoint now);

  const std::deque<OperationEntry>& entries() const { return entries_; }
  RequestEntry& leg(const OperationEntry& operation, uint32_t number) { return legs_.entry(operation.id + number); }
  /// Its peer's answer is short enough to be taken.
  bool answerFits(const RequestEntry& leg) const;

  /// By healthy peers: neither he nor the bounds stand in the way.
  bool mustBeServed(const OperationEntry& operation) const;

  uint64_t answers() const { return answers_; }
  /// With what was asked for: 200, 201, 202, all of an aggregate.
  uint64_t successes() const { return successes_; }
  /// Second and later disks.
  uint64_t fallbacks() const { return fallbacks_; }

 private:
  using Json = nlohmann::json;
  struct Heard {
    std::string state;
    uint32_t leg = 0;
  };

  void broken(const RequestEntry& leg, const char* rule) { breaks_.broken(leg.peer, rule); }
  void broken(const OperationEntry& operation, const char* rule);
  void checkRefusal(const OperationEntry& operation, const Json& json);
  std::vector<Heard> checkList(const OperationEntry& operation, const Json& list);
  std::optional<Heard> checkLeg(const OperationEntry& operation, uint32_t number, const Json& json);
  void checkBody(const RequestEntry& leg, const Json& json);
  void checkQuorum(const OperationEntry& operation, const Json& json);
  void checkAggregate(const OperationEntry& operation, const Json& json);
  void checkNotify(const OperationEntry& operation, const Json& json);
  void checkErasure(const OperationEntry& operation, const http::ResponseHead& head, const Json& json);
  void checkServed(const OperationEntry& operation, const std::vector<Heard>& heard, uint32_t required);

  RequestLedger& legs_;
  RuleBreaks& breaks_;
  EventLog& log_;
  const BodyPattern& pattern_;
  const CarrySetup& setup_;
  const uint32_t peers_;
  std::deque<OperationEntry> entries_;  // references stay good
  uint64_t answers_ = 0, successes_ = 0, fallbacks_ = 0;
};

}  // namespace peerpulse::sim
