// KernelFeatures: which of the newer socket options this kernel has. Asked once per process, on a socket made for
// it and thrown away; none of them is ever required.
//
// Threading: any thread; the first caller asks the kernel, the others wait for its answer.
#pragma once

#include <cstddef>

#include "peerpulse/base/time.h"

namespace peerpulse::net {

struct KernelFeatures {
  bool userTimeout = false;  ///< TCP_USER_TIMEOUT, Linux 2.6.37
  /// TCP_RTO_MIN_US (6.15): the smallest value this kernel takes, two of its ticks; zero: not there.
  Duration rtoMinFloor = Duration::zero();
  /// TCP_RTO_MAX_MS (6.15): 1 s to 120 s.
  bool rtoMax = false;
  /// What TCP_INFO fills in.
  size_t tcpInfoBytes = 0;

  bool rtoMin() const { return rtoMinFloor > Duration::zero(); }
};

const KernelFeatures& kernelFeatures();

/// The kernel can encrypt TLS (kTLS, Linux 4.13). To be asked only where that is wanted: it loads its module, if it may.
bool kernelHasTls();

}  // namespace peerpulse::net
