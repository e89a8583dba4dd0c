// NameStats: what came of resolving a peer's name.
//
// Threading: written by the main thread, read by any.
#pragma once

#include <array>
#include <cstddef>

#include "peerpulse/stats/value.h"

namespace peerpulse::stats {

/// How a round of questions for a name ended: the words of dns::Status, in its order.
inline constexpr std::array<const char*, 10> kNameResults = {
    "ok",      "no_such_name", "no_address",  "timeout", "server_failure",
    "refused", "bad_answer",   "unreachable", "loop",    "own_trouble"};
using ByNameResult = std::array<Value, kNameResults.size()>;

/// Of one peer; all zero for one whose address is a literal.
struct NameStats {
  Value named;      ///< 1: its address is a name
  Value addresses;  ///< that it leads to now
  Value leftOut;    ///< beyond those that are used
  Value changes;    ///< times that they became others, the first ones not counted
  ByNameResult results;
  Value goodAtSeconds;  ///< Unix time of the last answer with an address; 0: never
};

}  // namespace peerpulse::stats
