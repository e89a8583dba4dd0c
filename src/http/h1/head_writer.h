// Heads as h1 bytes, and the framing they announce for the body behind them.
//
// Threading: pure functions.
#pragma once

#include <cstdint>

#include "output_queue.h"
#include "peerpulse/http/message.h"

namespace peerpulse::http::h1 {

enum class SendKind : uint8_t { kNone, kLength, kChunked, kUntilClose, kTunnel };

/// How the body of an outgoing message is delimited.
struct SendFraming {
  SendKind kind = SendKind::kNone;
  uint64_t length = 0;
};

struct ResponseContext {
  bool toHttp10 = false;
  bool headRequest = false;
  bool keepAlive = true;
};
/// The final head. A 101 makes a tunnel. `end`: no body follows.
SendFraming writeResponseHead(OutputQueue& out, const ResponseHead& head, const ResponseContext& context, bool end);
void writeInformationalHead(OutputQueue& out, const ResponseHead& head);
SendFraming writeRequestHead(OutputQueue& out, const RequestHead& head, bool end);
/// The last chunk, and trailers without what no trailer section may carry.
void writeLastChunk(OutputQueue& out, const HeaderList& trailers);

}  // namespace peerpulse::http::h1
