// PeerId: the dense index of a peer for the life of the process, in the order of the configuration.
#pragma once

#include <cstdint>

namespace peerpulse {

enum class PeerId : uint32_t {};

constexpr uint32_t index(PeerId id) { return static_cast<uint32_t>(id); }

}  // namespace peerpulse
