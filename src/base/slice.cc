#include "peerpulse/base/slice.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "peerpulse/base/assert.h"
#include "peerpulse/base/memory_use.h"

namespace peerpulse {

Block* Block::create(size_t capacity) {
  void* memory = std::malloc(sizeof(Block) + capacity);
  if (memory == nullptr) throw std::bad_alloc();
  MemoryUse::add(capacity);
  return new (memory) Block(capacity);
}

void Block::release() {
  PP_ASSERT(references_ > 0);
  if (--references_ != 0) return;
  MemoryUse::sub(capacity_);
  this->~Block();
  std::free(this);
}

Slice Slice::copyOf(std::string_view bytes) {
  if (bytes.empty()) return {};
  BlockRef block = BlockRef::adopt(Block::create(bytes.size()));
  std::memcpy(block->data(), bytes.data(), bytes.size());
  const uint8_t* data = block->data();
  return {std::move(block), data, bytes.size()};
}

Slice Slice::sub(size_t offset, size_t length) const {
  PP_ASSERT(offset <= size_ && length <= size_ - offset);
  return {block_, data_ + offset, length};
}

Slice Slice::subAt(const void* at, size_t length) const {
  const auto* begin = static_cast<const uint8_t*>(at);
  PP_ASSERT(begin >= data_ && begin + length <= data_ + size_);
  return {block_, begin, length};
}

void Slice::removePrefix(size_t n) {
  PP_ASSERT(n <= size_);
  data_ += n;
  size_ -= n;
}

}  // namespace peerpulse
