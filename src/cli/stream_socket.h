// StreamSocket: a connection of a command, used by one call after the other, each with a deadline. Commands have one thing
// to do at a time: no event loop.
//
// Threading: one thread. Ownership: owns the socket.
// Errors: have the errno; ETIMEDOUT when the deadline passed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "deadline.h"
#include "peerpulse/base/address.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/base/result.h"

namespace peerpulse::cli {

class StreamSocket {
 public:
  /// `mark` as net::setMark(). A mark that this process may not set is an error (EPERM).
  static Result<StreamSocket> connect(const SocketAddress& to, const Deadline& deadline, uint32_t mark = 0);

  /// All of it, or an error.
  Result<void> send(std::string_view bytes, const Deadline& deadline);
  /// Bytes read into `into`; 0 when the remote side has ended.
  Result<size_t> receive(char* into, size_t size, const Deadline& deadline);

 private:
  explicit StreamSocket(Fd fd) : fd_(std::move(fd)) {}
  Result<void> wait(short events, const Deadline& deadline) const;

  Fd fd_;
};

}  // namespace peerpulse::cli
