// What the admin says, in plain words: verdicts, events.
//
// Threading: pure.
#pragma once

#include <string>

#include "json_field.h"
#include "peerpulse/base/time.h"

namespace peerpulse::cli {

/// Why a peer's verdict and circuit are what they are; `peer` is one of /peers.
std::string whyWords(const Json& peer);
/// Nothing to worry about: alive, its circuit closed, no operator in the way.
bool isWell(const Json& peer);
/// What a state of `local_health` means.
std::string localHealthWords(const std::string& state);
/// True for those in which this host's own view cannot be trusted, or its traffic is hampered.
bool isGraveLocalHealth(const std::string& state);
/// One event on one line, without its end: time, peer, what happened, and the evidence.
std::string eventWords(const Json& event);

}  // namespace peerpulse::cli
