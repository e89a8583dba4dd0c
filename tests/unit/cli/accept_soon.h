// A connection at a listener that does not block, in the thread of a test.
#pragma once

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>

#include "peerpulse/base/fd.h"

namespace peerpulse::cli {

/// An invalid one: nobody came within ten seconds, so that a test whose client stays away fails and ends.
inline Fd acceptSoon(int listener) {
  constexpr int kPatienceMs = 10'000;
  while (true) {
    pollfd ready{listener, POLLIN, 0};
    const int count = ::poll(&ready, 1, kPatienceMs);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return {};
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd >= 0) return Fd(fd);
    // It has gone again before it was taken.
    if (errno != EINTR && errno != EAGAIN && errno != ECONNABORTED) return {};
  }
}

}  // namespace peerpulse::cli
