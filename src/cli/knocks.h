// Knocks: what this command asks a peer's host itself, each within its own time. The answers are evidence for diagnose().
//
// Threading: free functions without state; they block.
#pragma once

#include <cstdint>
#include <string>

#include "observations.h"
#include "peerpulse/base/address.h"
#include "peerpulse/base/time.h"

namespace peerpulse::cli {

/// Two or three questions fit: the first may be lost.
inline constexpr Duration kEchoPatience = milliseconds(800);
inline constexpr Duration kArpPatience = milliseconds(600);
/// The kernel repeats a SYN after a second.
inline constexpr Duration kConnectPatience = milliseconds(1200);
inline constexpr Duration kClosedPortPatience = milliseconds(400);
/// A loop that turns a client away does so within its turn.
inline constexpr Duration kOwnListenerPatience = milliseconds(150);
inline constexpr Duration kSpeechPatience = milliseconds(900);

/// ICMP echo requests (ping socket, or a raw one).
EchoAnswer knockByEcho(const SocketAddress& host);
/// ARP requests by broadcast, whatever the neighbour table holds. IPv4. `source` is the own address on that interface.
ArpAnswer knockByArp(const SocketAddress& host, int interface, const std::string& source);
/// A TCP connection, closed at once. `mark`: that of peerpulse's own sockets, which its guard lets pass.
ConnectAnswer knockByConnect(const SocketAddress& to, uint32_t mark, Duration patience);
/// The HTTP/2 preface and a PING, then, if nothing came of it, an HTTP/1.1 request.
SpeechAnswer knockByHttp(const SocketAddress& to, uint32_t mark);
/// A TLS ClientHello; true if TLS answers, be it by an alert.
bool knockByTls(const SocketAddress& to, uint32_t mark);
/// GET of `path`.
HealthAnswer knockByHealthPath(const SocketAddress& to, const std::string& path, bool http2, uint32_t mark);

}  // namespace peerpulse::cli
