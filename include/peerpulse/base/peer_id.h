// PeerId: which peer, for the life of the process: a slot in tables of fixed capacity, and the epoch of that slot. When a
// peer is removed from the configuration its slot may serve another one, under the next epoch: an id of before names
// nobody any more, and whatever is still posted to it is harmless.
//
// Threading: a value.
#pragma once

#include <cstdint>

namespace peerpulse {

enum class PeerId : uint32_t {};

/// Slots there are: the capacity of every table by peer, whose words therefore never move.
inline constexpr uint32_t kMaxPeers = 1024;

constexpr PeerId makePeerId(uint32_t slot, uint16_t epoch) {
  return static_cast<PeerId>(static_cast<uint32_t>(epoch) << 16 | slot);
}
/// Below kMaxPeers.
constexpr uint32_t slot(PeerId id) { return static_cast<uint32_t>(id) & 0xffff; }
constexpr uint16_t epoch(PeerId id) { return static_cast<uint16_t>(static_cast<uint32_t>(id) >> 16); }

}  // namespace peerpulse
