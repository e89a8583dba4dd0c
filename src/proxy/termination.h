// Termination: who ended an exchange, when and by which timer, in two letters as HAProxy has them (`end` of the access log).
//
//   1st: whose doing it was; a small letter: a timer said so
//     -  nobody's: it ended in order      P  peer      C  client      H  this host      N  the path between (network)
//     S  peerpulse      D  peerpulse, as the circuit is open (the peer is down)      G  peerpulse, as the peer is slow (governor)
//   2nd: how far it was (upstream::Phase)
//     -  it ended in order
//     Q  held, or between two tries      C  waiting for a connection      R  the request was going to the peer
//     W  the peer had all of it and had not answered      D  the answer was coming      T  a tunnel
//     L  the last of an answer that the peer had completed
//
// Threading: pure.
#pragma once

#include <string>

#include "access_log.h"

namespace peerpulse::proxy {

std::string terminationCode(const AccessRecord& record);

}  // namespace peerpulse::proxy
