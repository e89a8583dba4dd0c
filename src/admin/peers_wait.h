// GET /peers?wait=VERSION: an answer that waits until /peers has something else to say than that version did.
#pragma once

#include <cstdint>

#include "peerpulse/base/result.h"
#include "peerpulse/base/time.h"
#include "request.h"

namespace peerpulse::admin {

struct PeersWait {
  uint64_t version = 0;
  Duration timeout = seconds(30);

  static constexpr Duration kLongest = std::chrono::minutes(5);
};

bool asksToWait(const Request& request);
/// Requires asksToWait(). The error says which parameter is wrong, and what it may be.
Result<PeersWait> parseWait(const Request& request);

}  // namespace peerpulse::admin
