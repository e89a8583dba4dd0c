// Options of resolving peers' names. Filled by config/; immutable afterwards.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peerpulse/base/time.h"

namespace peerpulse::dns {

struct Options {
  /// "10.0.0.53:53", "[fd00::53]:53"; none: those of /etc/resolv.conf.
  std::vector<std::string> servers;
  static constexpr size_t kMaxServers = 8;
  /// Of the first try; each further one waits twice as long.
  Duration timeout = seconds(1);
  /// Of each server.
  uint32_t tries = 3;
  /// TTLs are honoured within these. HAProxy holds an answer for 10 s, Envoy asks every 5 s, whatever the TTL.
  Duration minTtl = seconds(5);
  Duration maxTtl = seconds(300);
  /// From a failed round to the next, give or take a quarter (HAProxy: `timeout retry 1s`).
  Duration retry = seconds(1);
};

}  // namespace peerpulse::dns
