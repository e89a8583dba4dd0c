// Session: the HTTP side of one connection of the origin: bytes in, bytes out, no sockets.
//
// Threading: the loop's thread.
#pragma once

#include <memory>
#include <string_view>

#include "peerpulse/base/buffer.h"
#include "reply.h"

namespace peerpulse::bench {

class Session {
 public:
  virtual ~Session() = default;
  /// False: the client broke the protocol, or uses a part of it that the origin does without.
  virtual bool receive(std::string_view bytes) = 0;
  /// Appends what there is to send, until `output` has about `limit` bytes. False as receive().
  virtual bool produce(Buffer& output, size_t limit) = 0;
};

/// HTTP/1.1 with keepalive; bodies with a content-length or chunked.
std::unique_ptr<Session> createHttp1Session(const ReplyMaker& replies);
/// HTTP/2 from the preface on.
std::unique_ptr<Session> createHttp2Session(const ReplyMaker& replies);

}  // namespace peerpulse::bench
