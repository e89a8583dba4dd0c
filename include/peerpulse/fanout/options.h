// Options of the fan-out API (design section 6). Filled by config/; immutable afterwards.
#pragma once

#include <cstdint>

#include "peerpulse/base/address.h"
#include "peerpulse/base/time.h"

namespace peerpulse::fanout {

struct Options {
  /// Loopback or a unix socket; family AF_UNSPEC: there is no API.
  SocketAddress listen;
  /// How long one peer may take to answer an aggregate.
  Duration peerTimeout = seconds(2);
  /// How long a notification is tried.
  Duration notifyTimeout = seconds(5);
  /// Of a request's body so much is kept: each peer takes it at its own pace. Beyond it the slowest peer that the answer
  /// needs sets the pace. Bodies of notifications are at most so large.
  uint64_t replayLimit = uint64_t{16} * 1024 * 1024;
  /// Body bytes, of requests and answers, of all operations together.
  uint64_t memory = uint64_t{256} * 1024 * 1024;
  /// Operations at once, those that go on in the background included.
  uint32_t maxOperations = 4096;
  /// Of one peer's answer.
  uint64_t answerLimit = uint64_t{256} * 1024;
};

}  // namespace peerpulse::fanout
