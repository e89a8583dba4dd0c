#include "peerpulse/dns/answer.h"

namespace peerpulse::dns {

const char* toString(Status status) {
  switch (status) {
    case Status::kOk: return "ok";
    case Status::kNoSuchName: return "no_such_name";
    case Status::kNoAddress: return "no_address";
    case Status::kTimeout: return "timeout";
    case Status::kServerFailure: return "server_failure";
    case Status::kRefused: return "refused";
    case Status::kBadAnswer: return "bad_answer";
    case Status::kUnreachable: return "unreachable";
    case Status::kLoop: return "loop";
    case Status::kOwnTrouble: return "own_trouble";
  }
  return "?";
}

const char* explain(Status status) {
  switch (status) {
    case Status::kOk: return "answered";
    case Status::kNoSuchName: return "there is no such name (NXDOMAIN)";
    case Status::kNoAddress: return "the name has no address";
    case Status::kTimeout: return "no DNS server answered in time";
    case Status::kServerFailure: return "the DNS server failed (SERVFAIL)";
    case Status::kRefused: return "the DNS server refused to answer (REFUSED)";
    case Status::kBadAnswer: return "the DNS server's answer makes no sense, or it takes our question for a bad one";
    case Status::kUnreachable: return "no DNS server could be asked, or none of them gave a usable answer";
    case Status::kLoop: return "the name leads to a listener of this peerpulse itself";
    case Status::kOwnTrouble: return "this host could not ask: no memory or descriptor";
  }
  return "?";
}

}  // namespace peerpulse::dns
