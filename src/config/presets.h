// Presets (defaults for one kind of storage) and profiles (defaults of probing).
#pragma once

#include <vector>

#include "peerpulse/config/config.h"

namespace peerpulse::config {

void applyPreset(proxy::Preset preset, Config& config);
/// Sets the values of the `probe` section; those of `circuit` and health_path are left alone.
void applyProfile(Profile profile, health::ProbeOptions& options);

/// The route that every list of routes ends with.
proxy::Route defaultRoute();

}  // namespace peerpulse::config
