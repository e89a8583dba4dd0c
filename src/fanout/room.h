// What an operation may keep of its caller's request at most, and so must find room for before it begins. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "peerpulse/fanout/options.h"
#include "peerpulse/http/message.h"

namespace peerpulse::fanout {

/// Of a body that does not fit, or may not: for a try that a peer provably did not process.
inline constexpr uint64_t kReplayOfLarge = uint64_t{1024} * 1024;

inline bool fits(const http::RequestHead& head, const Options& options) {
  return head.complete || (head.contentLength && *head.contentLength <= options.replayLimit);
}

/// Of the body each leg keeps so much to send it again. Where the body fits, it is the one copy that lags behind, too; else
/// it comes on top of that.
inline uint64_t replayFor(const http::RequestHead& head, const Options& options) {
  return fits(head, options) ? options.replayLimit : std::min(options.replayLimit, kReplayOfLarge);
}

/// `window`: what a caller may send beyond his credit. Each target has a copy of the head. Never more than there is: a
/// single operation always begins.
inline uint64_t roomFor(const http::RequestHead& head, size_t targets, const Options& options, uint64_t window) {
  const uint64_t heads = (targets + 1) * (head.headers.listSize() + head.path.size());
  uint64_t body = 0;
  if (!head.complete) {
    body = fits(head, options) ? *head.contentLength : options.replayLimit + replayFor(head, options) + window;
    if (head.contentLength) body = std::min(body, *head.contentLength);
  }
  return std::min(heads + body, options.memory);
}

}  // namespace peerpulse::fanout
