#include "peerpulse/base/utf8.h"

namespace peerpulse {

namespace {

unsigned byteAt(std::string_view text, size_t i) { return static_cast<unsigned char>(text[i]); }

}  // namespace

size_t utf8Length(std::string_view text) {
  const unsigned first = byteAt(text, 0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                        : first >= 0xE0 && first <= 0xEF ? 3
                        : first >= 0xF0 && first <= 0xF4 ? 4
                                                         : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byteAt(text, i) & 0xC0U) != 0x80U) return 0;
  }
  const unsigned second = byteAt(text, 1);
  // Overlong forms, surrogates and what lies above U+10FFFF.
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  return length;
}

uint32_t utf8CodePoint(std::string_view sequence) {
  if (sequence.size() == 1) return byteAt(sequence, 0);
  uint32_t point = byteAt(sequence, 0) & (0x7FU >> sequence.size());
  for (size_t i = 1; i < sequence.size(); ++i)
    point = point << 6 | (byteAt(sequence, i) & 0x3FU);
  return point;
}

}  // namespace peerpulse
