// DescriptorWatch: keeps net::DescriptorShares in step with what this process may have (RLIMIT_NOFILE).
//
// Threading: one thread; the shares are read by all. Ownership: the shares outlive it.
#pragma once

#include <cstdint>

#include "peerpulse/base/result.h"
#include "peerpulse/net/descriptor_shares.h"

namespace peerpulse::server {

class DescriptorWatch {
 public:
  explicit DescriptorWatch(net::DescriptorShares& shares) : shares_(shares) {}

  /// A proxy needs two descriptors per exchange: takes what the hard limit gives. A failure is logged; it works with less.
  static void raiseLimit();

  /// When everything that stays open is open: divides what is left. An error: there is not enough to serve anybody.
  Result<void> begin(uint32_t peers);
  /// From time to time: the limit of a running process can be changed (prlimit(1)).
  void follow();

  /// With fewer nothing works: a client, its upstream connection, the admin's, and the prober's of one confirm.
  static constexpr uint64_t kLeast = 24;

 private:
  void divide(uint64_t limit);

  net::DescriptorShares& shares_;
  uint64_t taken_ = 0;  // at begin()
  uint64_t limit_ = 0;  // that the shares are for
  uint32_t peers_ = 0;
};

}  // namespace peerpulse::server
