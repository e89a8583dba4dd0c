// AccessFilter: which exchanges leave a line in the access log: a real cluster's would be gigabytes a day.
//
// Notable is what failed, what the client gave up, an answer of 5xx (and gRPC's likes of it), and what was slow: a connection or
// the head of the answer took longer than `slow` (not of streams and tunnels, whose answers come when they come). What the
// circuit refuses from the start is no news after the transition's own line: it is sampled with the rest.
//
// Threading: one thread. Pure.
#pragma once

#include <cstdint>

#include "access_log.h"

namespace peerpulse::proxy {

class AccessFilter {
 public:
  enum class Verdict : uint8_t { kNo, kYes, kSampled };
  /// Of the next exchange that has ended.
  Verdict next(const AccessLogOptions& options, upstream::TrafficClass trafficClass, const AccessRecord& record);

 private:
  uint32_t ordinary_ = 0;  // since the last one that was sampled
};

bool isNotable(const AccessLogOptions& options, upstream::TrafficClass trafficClass, const AccessRecord& record);

}  // namespace peerpulse::proxy
