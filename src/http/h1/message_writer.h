// MessageWriter: the body of one outgoing message under the framing its head announced.
//
// Threading: one thread. Ownership: a value.
#pragma once

#include <cstdint>

#include "head_writer.h"
#include "output_queue.h"

namespace peerpulse::http::h1 {

class MessageWriter {
 public:
  void start(SendFraming framing) { framing_ = framing; }
  /// False: nothing of the body goes out (answers to HEAD, 204, 304).
  bool hasBody() const { return framing_.kind != SendKind::kNone; }
  /// False when the message breaks its announced length: the connection must end, never in order.
  [[nodiscard]] bool data(OutputQueue& out, Slice slice);
  [[nodiscard]] bool end(OutputQueue& out, const HeaderList& trailers);

 private:
  SendFraming framing_;  ///< `length` counts down
};

}  // namespace peerpulse::http::h1
