#include <cerrno>

#include "knocks.h"
#include "stream_socket.h"

namespace peerpulse::cli {

namespace {

ConnectAnswer::Kind kindOf(int error) {
  using Kind = ConnectAnswer::Kind;
  switch (error) {
    case ECONNREFUSED: return Kind::kRefused;
    case ETIMEDOUT: return Kind::kSilent;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL: return Kind::kOwnTrouble;
    default: return Kind::kUnreachable;
  }
}

}  // namespace

ConnectAnswer knockByConnect(const SocketAddress& to, uint32_t mark, Duration patience) {
  const TimePoint began = now();
  const auto socket = StreamSocket::connect(to, Deadline(patience), mark);
  const Duration took = now() - began;
  if (socket) return {.kind = ConnectAnswer::Kind::kAccepted, .took = took};
  return {.kind = kindOf(socket.error().code), .error = socket.error().code, .took = took};
}

}  // namespace peerpulse::cli
