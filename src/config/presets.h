// Presets (defaults for one kind of storage) and profiles (defaults of probing).
#pragma once

#include <vector>

#include "peerpulse/config/config.h"

namespace peerpulse::config {

void applyPreset(proxy::Preset preset, Config& config);
/// Sets the values of the `probe` section that depend on the network; how long a process may be stalled (the preset's) and
/// the values of `circuit` are left alone.
void applyProfile(Profile profile, health::ProbeOptions& options);

/// The route that every list of routes ends with.
proxy::Route defaultRoute();

}  // namespace peerpulse::config
