// Knocks at a subject in every way there is, at most kAtMost long in all.
//
// Threading: blocks.
#pragma once

#include "admin_client.h"
#include "observations.h"
#include "subject.h"

namespace peerpulse::cli {

/// The sum of what the knocks wait for, at worst.
inline constexpr Duration kAtMost = seconds(5);

Observations observe(const AdminClient& admin, const Subject& subject);

}  // namespace peerpulse::cli
