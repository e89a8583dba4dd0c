// Socket options that older C libraries and kernel headers do not name yet. The numbers are the kernel's ABI.
#pragma once

#include <linux/tcp.h>

namespace peerpulse::net {

#ifdef TCP_RTO_MAX_MS
inline constexpr int kTcpRtoMaxMs = TCP_RTO_MAX_MS;
#else
inline constexpr int kTcpRtoMaxMs = 44;
#endif

#ifdef TCP_RTO_MIN_US
inline constexpr int kTcpRtoMinUs = TCP_RTO_MIN_US;
#else
inline constexpr int kTcpRtoMinUs = 45;
#endif

}  // namespace peerpulse::net
