// This host's clock: storage clusters refuse requests that are signed at another time.
//
// Threading: pure, but for checkSynchronised().
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "finding.h"
#include "peerpulse/base/time.h"

namespace peerpulse::cli {

/// A Date field (RFC 9110 5.6.7, IMF-fixdate).
std::optional<WallTime> parseHttpDate(std::string_view text);
/// `date`: what a peer's answer says; `now`: this host's time when it came.
Finding checkSkew(const std::string& peer, WallTime date, WallTime now);
/// Whether the kernel's clock is kept by a time service.
Finding checkSynchronised();

}  // namespace peerpulse::cli
