// Sizes ("1MiB", 4096) as the configuration writes them; durations are base's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "peerpulse/base/duration_text.h"

namespace peerpulse::config {

/// A whole number of bytes, or of KiB, MiB, GiB. Nothing when malformed or beyond 2^63.
std::optional<uint64_t> parseSize(std::string_view text);
/// "512KiB", "1000" (bytes).
std::string formatSize(uint64_t bytes);

}  // namespace peerpulse::config
