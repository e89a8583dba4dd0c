// ServedConnection: one client of the origin; HTTP/1.1 or HTTP/2 by its first byte.
//
//   Serving --EOF, error, broken protocol--> Closed
//
// Threading: the loop's thread.
// Ownership: its own, until it is Closed; it retires itself then.
#pragma once

#include <array>
#include <memory>

#include "epoll_loop.h"
#include "session.h"

namespace peerpulse::bench {

/// Of all connections: what is read goes through here.
using ReadBuffer = std::array<char, 256 * 1024>;

class ServedConnection : public LoopObject, private EventHandler {
 public:
  /// Nothing is left of it where it cannot be watched.
  static void start(EpollLoop& loop, ReadBuffer& buffer, const ReplyMaker& replies, Fd socket);

 private:
  enum class Did { kAll, kWouldBlock, kFailed };

  // Bytes taken from the session and not yet by the kernel.
  static constexpr size_t kOutputLimit = 512 * 1024;
  // Bytes read in one turn, before the other connections get theirs.
  static constexpr size_t kTurnLimit = 4 * std::tuple_size_v<ReadBuffer>;

  ServedConnection(EpollLoop& loop, ReadBuffer& buffer, const ReplyMaker& replies, Fd socket)
      : loop_(loop), buffer_(buffer), replies_(replies), socket_(std::move(socket)) {}

  void onEvents(uint32_t events) override;
  bool read();
  bool receive(std::string_view bytes);
  bool send();
  Did write();
  void close();

  EpollLoop& loop_;
  ReadBuffer& buffer_;
  const ReplyMaker& replies_;
  Fd socket_;
  std::unique_ptr<Session> session_;
  Buffer output_;
  bool hungUp_ = false;
};

}  // namespace peerpulse::bench
