// Diagnosis: from observations to a cause, what it means and what to do. The troubleshooting guide as a function.
//
// Threading: pure.
#pragma once

#include <string>
#include <vector>

#include "observations.h"

namespace peerpulse::cli {

enum class Cause {
  kWell,            ///< nothing is wrong with it
  kPowerOff,        ///< host without power, or its cable
  kProcessGone,     ///< its host refuses
  kProcessStopped,  ///< its kernel answers, its process does not
  kPortFiltered,    ///< the host lives, this port is silent
  kWrongAddress,    ///< nobody ever had it
  kNoRoute,         ///< on this host
  kTlsOnPlainPort,  ///< it expects TLS
  kNeighbourStale,  ///< packets go to the link address of a host that is no longer there
  kOwnDescriptors,  ///< peerpulse itself has none left
  kOwnLink,         ///< this host's link has no carrier
  kThisHostCutOff,  ///< most peers are silent at once
  kGatewaySilent,   ///< the router between does not answer
  kHostSilent,      ///< its network card answers, its host says nothing
  kNotHttp,         ///< something else listens there
  kUnhealthy,       ///< it answers, and says itself that it is not well
  kHeldByOperator,  ///< well, but an operator holds the circuit
  kRequestsFail,    ///< well, but requests opened the circuit
  kOwnTrouble,      ///< this command could not ask
  kUndecided,       ///< not enough could be asked
};
/// "power_off" and so on: for programs.
const char* toString(Cause cause);

struct Diagnosis {
  Cause cause = Cause::kUndecided;
  std::string what;               ///< in plain words
  std::vector<std::string> todo;  ///< one step each
};
Diagnosis diagnose(const Observations& seen);

}  // namespace peerpulse::cli
