// ProbeOptions: how a peer is probed and judged. Profiles give the defaults; every value can be set for all
// peers or for one.
#pragma once

#include <cstdint>
#include <string>

#include "peerpulse/base/time.h"

namespace peerpulse::health {

struct ProbeOptions {
  /// T: a PING every T, pipelined. Shorter finds death sooner and costs about 5 us of CPU per PING and side.
  Duration interval = milliseconds(20);
  /// S: silence on every connection longer than max(S, 2.25T + 1.25 RTT + 4 rttvar) makes a peer suspect; while
  /// its data comes all the time, longer than max(S - 0.75T, 1.5T + 1.25 RTT + 4 rttvar). S is shorter by T/8 where the
  /// kernel sends a lost PING again within milliseconds (TCP_RTO_MIN_US).
  Duration suspectAfter = milliseconds(50);
  /// C: confirm time, stretched to 1.25 RTT + max(5 ms, 4 rttvar). After S + C without any evidence the peer is dead.
  Duration confirm = milliseconds(15);
  /// K: fresh connections to the peer that the confirm stage opens. More survive more loss: K grows with the
  /// measured loss from confirmConnects up to confirmConnectsMax, so that all of them are lost with at most
  /// 1.6e-7 (four at 1 % loss each way).
  uint32_t confirmConnects = 4;
  uint32_t confirmConnectsMax = 8;
  /// Another port of the peer's host, best a closed one (1: tcpmux); 0: off, and so for unix addresses and if
  /// it is the peer's own. Silence of one port does not prove a dead host: a process that does not accept
  /// fills its accept queue, and then its kernel drops SYNs. So the confirm stage also opens K/2 (rounded up)
  /// connections to this port, and any answer, RST included, proves that the host lives. A firewall that
  /// drops them costs nothing: silence here is no evidence, and the K to the peer itself are as many as
  /// without. Switch it off where another machine answers for that port (NAT, load balancers, firewalls that
  /// reject): there a dead peer would be called stalled.
  uint32_t confirmPort = 1;
  /// Kernel acknowledges but no PING is answered for this long: stalled.
  Duration stallAfter = seconds(10);
  /// Stalled for this long in all: the circuit opens for new exchanges.
  Duration stallOpenAfter = seconds(30);
  /// Cadence of connection attempts to a dead or refusing peer, whatever the outage's length.
  Duration recoverInterval = milliseconds(20);
  /// Whether ICMP echoes are tried where PINGs cannot go every T, and used where they are answered.
  bool icmp = true;
  /// How often the process of a peer without HTTP/2 is asked for an answer while its data does not prove it.
  Duration processInterval = seconds(1);
  /// On the L4 rung the process is asked by a HEAD of this path, and an outage ends with its answer; empty: by OPTIONS *
  /// where it has shown to speak HTTP/1, and an outage ends with a SYN-ACK.
  std::string healthPath;
  /// Passive circuit: this many failed exchanges in a row open it; 0 switches it off.
  uint32_t failureThreshold = 3;
  /// Then it is half-open after this long.
  Duration openFor = seconds(30);
  /// Whether timeouts and 5xx count as failures (timeouts: generic preset only).
  bool countTimeouts = false;
  bool countServerErrors = false;

  static ProbeOptions lan() { return {}; }
  static ProbeOptions fast() {
    ProbeOptions o;
    o.interval = milliseconds(10);
    o.suspectAfter = milliseconds(25);
    o.confirm = milliseconds(8);
    o.recoverInterval = milliseconds(10);
    return o;
  }
  static ProbeOptions wan() {
    ProbeOptions o;
    o.interval = milliseconds(50);
    o.suspectAfter = milliseconds(150);
    o.confirm = milliseconds(50);
    o.recoverInterval = milliseconds(50);
    return o;
  }
};

}  // namespace peerpulse::health
