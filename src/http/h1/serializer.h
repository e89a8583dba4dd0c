// Heads, chunks and trailers as h1 bytes, and the framing of one outgoing message (MessageWriter).
//
// Threading: one thread. Ownership: values.
#pragma once

#include <cstdint>
#include <string>

#include "output_queue.h"
#include "peerpulse/http/message.h"

namespace peerpulse::http::h1 {

enum class SendKind : uint8_t { kNone, kLength, kChunked, kUntilClose, kTunnel };

/// Writes the body of one message under the framing its head announced.
class MessageWriter {
 public:
  void start(SendKind kind, uint64_t length) {
    kind_ = kind;
    left_ = length;
    broken_ = false;
  }
  SendKind kind() const { return kind_; }
  /// False when the message broke its announced length: the connection must end, never in order.
  bool data(OutputQueue& out, Slice slice);
  bool end(OutputQueue& out, const HeaderList& trailers);
  bool broken() const { return broken_; }
  void breakMessage() { broken_ = true; }

 private:
  SendKind kind_ = SendKind::kNone;
  uint64_t left_ = 0;
  bool broken_ = false;
};

struct ResponseContext {
  bool toHttp10 = false;
  bool headRequest = false;
  bool keepAlive = true;
};
/// The final head; `kind` and `length` for the writer. A 101 makes a tunnel.
std::string responseHead(const ResponseHead& head, const ResponseContext& context, bool end, SendKind& kind,
                         uint64_t& length);
std::string informationalHead(const ResponseHead& head);
std::string requestHead(const RequestHead& head, bool end, SendKind& kind, uint64_t& length);

}  // namespace peerpulse::http::h1
