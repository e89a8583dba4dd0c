#include "observe.h"

#include <cerrno>

#include "deadline.h"
#include "knocks.h"
#include "peerpulse/net/socket.h"
#include "stream_socket.h"

namespace peerpulse::cli {

namespace {

/// Whether this process may set that mark, without which the guard refuses it and transparent mode takes it.
bool mayMark(const SocketAddress& address, uint32_t mark) {
  const auto fd = net::createStreamSocket(address);
  return fd && net::setMark(fd->get(), mark).has_value();
}

/// A client that our own listener turns away is told so at once: it counts where descriptors are short. The kernel has made
/// the connection before peerpulse has seen it: whether it was turned away is known when it ends, or stays.
void knockAtOurListener(const SocketAddress& listen) {
  if (listen.family() == AF_UNSPEC || listen.isUnix()) return;
  const Deadline deadline(kOwnListenerPatience);
  auto socket = StreamSocket::connect(listen, deadline);
  char byte = 0;
  if (socket) (void)socket->receive(&byte, sizeof byte, deadline);
}

void askKernel(const SocketAddress& address, Observations& seen) {
  const auto route = lookUpRoute(address);
  if (!route) return;
  seen.route = *route;
}

/// After the knocks: they made the kernel look for its neighbour.
void askNeighbours(const SocketAddress& address, Observations& seen) {
  if (!seen.route || seen.route->kind != Route::Kind::kUnicast) return;
  SocketAddress next = address;
  if (!seen.route->gateway.empty()) {
    const bool v6 = seen.route->gateway.find(':') != std::string::npos;
    const auto gateway = SocketAddress::parse((v6 ? "[" + seen.route->gateway + "]" : seen.route->gateway) + ":1");
    if (gateway) next = *gateway;
  }
  const auto neighbour = lookUpNeighbour(next, seen.route->interface);
  if (neighbour) seen.neighbour = *neighbour;
}

void knockAtHost(const Subject& subject, bool blockedByGuard, uint32_t mark, Observations& seen) {
  const bool onLink = seen.route && seen.route->kind == Route::Kind::kUnicast && seen.route->gateway.empty();
  if (onLink) seen.arp = knockByArp(subject.address, seen.route->interface, seen.route->source);
  seen.echo = knockByEcho(subject.address);
  if (seen.echo.heard == Heard::kAnswered) return;
  // A port where nobody listens: a refusal proves that the host lives.
  if (blockedByGuard) {
    seen.closedPort.kind = ConnectAnswer::Kind::kGuarded;
  } else if (subject.confirmPort != 0) {
    seen.closedPort = knockByConnect(subject.address.withPort(subject.confirmPort), mark, kClosedPortPatience);
  }
}

void knockAtPort(const Subject& subject, uint32_t mark, Observations& seen) {
  using Kind = ConnectAnswer::Kind;
  seen.connect = knockByConnect(subject.address, mark, kConnectPatience);
  if (seen.connect.kind != Kind::kAccepted) return;
  seen.speech = knockByHttp(subject.address, mark);
  const bool http2 = seen.speech.kind == SpeechAnswer::Kind::kHttp2;
  const bool speaks = http2 || seen.speech.kind == SpeechAnswer::Kind::kHttp1;
  if (!speaks) seen.tls = knockByTls(subject.address, mark);
  if (speaks && !subject.healthPath.empty()) {
    seen.health = knockByHealthPath(subject.address, subject.healthPath, http2, mark);
  }
}

}  // namespace

Observations observe(const AdminClient& admin, const Subject& subject) {
  Observations seen;
  const TimePoint began = now();
  seen.peer = subject.name;
  seen.address = subject.address.toString();
  seen.loopback = subject.address.isLoopback();
  seen.admin = subject.admin;
  const auto before = seen.admin.reached ? admin.metrics() : Result<std::string>(Error{});

  const bool markable = subject.mark != 0 && !subject.address.isUnix() && mayMark(subject.address, subject.mark);
  const uint32_t mark = markable ? subject.mark : 0;
  const std::string& way = subject.admin.transparentWay;
  const bool blockedByGuard = subject.admin.guardState == "refused" && !markable;
  const bool blocked = blockedByGuard || (!markable && (way == "redirected" || way == "refused"));
  const bool ip = !subject.address.isUnix();
  if (ip) askKernel(subject.address, seen);
  const bool routed =
      !seen.route || seen.route->kind == Route::Kind::kUnicast || seen.route->kind == Route::Kind::kLocal;
  if (routed && blocked) seen.connect.kind = ConnectAnswer::Kind::kGuarded;
  if (routed && !blocked) knockAtPort(subject, mark, seen);
  const bool accepted = seen.connect.kind == ConnectAnswer::Kind::kAccepted;
  // Whether the host lives is known where its process took a connection.
  if (routed && ip && !accepted) knockAtHost(subject, blockedByGuard, mark, seen);
  if (ip) askNeighbours(subject.address, seen);

  if (before) {
    knockAtOurListener(subject.listen);
    const auto after = admin.metrics();
    seen.admin.descriptorsGone = after && ownTroubles(*after, subject.name) > ownTroubles(*before, subject.name);
  }
  seen.took = now() - began;
  return seen;
}

}  // namespace peerpulse::cli
