// BodyPattern: bytes of scripted bodies that show whose they are and where they belong: those of two messages, or of two
// places in one, differ. Bodies are slices of one block, so they cost no copies, and comparing them is a memcmp().
//
// Threading: one thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "peerpulse/base/slice.h"

namespace peerpulse::sim {

enum class Direction : uint8_t { kRequest, kResponse };

class BodyPattern {
 public:
  static constexpr size_t kMaxPiece = 16 * 1024;

  BodyPattern();
  /// `size` bytes, at most kMaxPiece, from `offset` on of that message's body.
  Slice piece(uint32_t id, Direction direction, uint64_t offset, size_t size) const;
  bool matches(uint32_t id, Direction direction, uint64_t offset, std::string_view bytes) const;

 private:
  static constexpr size_t kPeriod = 64 * 1024;
  static size_t place(uint32_t id, Direction direction, uint64_t offset);
  Slice bytes_;  // the period, and kMaxPiece of it again
};

}  // namespace peerpulse::sim
