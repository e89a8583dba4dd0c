#include "body_pattern.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "peerpulse/base/assert.h"
#include "random.h"

namespace peerpulse::sim {

BodyPattern::BodyPattern() {
  Random random(42);
  std::string text(kPeriod + kMaxPiece, '\0');
  for (size_t i = 0; i < kPeriod; i += sizeof(uint64_t)) {
    const uint64_t word = random.next();
    std::memcpy(&text[i], &word, sizeof word);
  }
  std::copy_n(text.begin(), kMaxPiece, text.begin() + kPeriod);
  bytes_ = Slice::copyOf(text);
}

size_t BodyPattern::place(uint32_t id, Direction direction, uint64_t offset) {
  const uint64_t message = uint64_t{2} * id + (direction == Direction::kRequest ? 0 : 1);
  return static_cast<size_t>((message * 7919 + offset) % kPeriod);
}

Slice BodyPattern::piece(uint32_t id, Direction direction, uint64_t offset, size_t size) const {
  PP_ASSERT(size <= kMaxPiece);
  return bytes_.sub(place(id, direction, offset), size);
}

bool BodyPattern::matches(uint32_t id, Direction direction, uint64_t offset, std::string_view bytes) const {
  while (!bytes.empty()) {
    const size_t n = std::min(bytes.size(), kMaxPiece);
    if (std::memcmp(bytes_.data() + place(id, direction, offset), bytes.data(), n) != 0) return false;
    bytes.remove_prefix(n);
    offset += n;
  }
  return true;
}

}  // namespace peerpulse::sim
