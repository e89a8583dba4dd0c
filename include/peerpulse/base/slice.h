// Slice: a read-only view of bytes that keeps the memory they lie in alive. Bodies travel through peerpulse
// as slices: one read into a Block, one writev out of it, no copy between.
//
// Threading: the reference count is not atomic. A Block and its slices stay on the thread that made them (a
//   connection never leaves its worker).
// Invariants: bytes of a Block that a Slice covers are never written again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace peerpulse {

/// Reference-counted storage of fixed capacity. Made with one reference; the last release() frees it.
class Block {
 public:
  static Block* create(size_t capacity);
  void retain() { ++references_; }
  void release();
  bool unique() const { return references_ == 1; }
  uint8_t* data() { return reinterpret_cast<uint8_t*>(this + 1); }
  size_t capacity() const { return capacity_; }

 private:
  explicit Block(size_t capacity) : capacity_(capacity) {}
  size_t capacity_;
  uint32_t references_ = 1;
};

/// Owning pointer to a Block (one reference).
class BlockRef {
 public:
  BlockRef() = default;
  /// Takes over the caller's reference.
  static BlockRef adopt(Block* block) { return BlockRef(block); }
  BlockRef(const BlockRef& other) : block_(other.block_) {
    if (block_ != nullptr) block_->retain();
  }
  BlockRef(BlockRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  BlockRef& operator=(BlockRef other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~BlockRef() {
    if (block_ != nullptr) block_->release();
  }
  Block* get() const { return block_; }
  Block* operator->() const { return block_; }
  explicit operator bool() const { return block_ != nullptr; }

 private:
  explicit BlockRef(Block* block) : block_(block) {}
  Block* block_ = nullptr;
};

class Slice {
 public:
  Slice() = default;
  Slice(BlockRef block, const uint8_t* data, size_t size) : block_(std::move(block)), data_(data), size_(size) {}

  /// A slice over a fresh copy of `bytes`.
  static Slice copyOf(std::string_view bytes);

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {reinterpret_cast<const char*>(data_), size_}; }

  /// The `length` bytes from `offset`, sharing this slice's memory. Requires offset + length <= size().
  Slice sub(size_t offset, size_t length) const;
  /// The bytes at `at`, which must lie inside this slice (what a parser's callback points to).
  Slice subAt(const void* at, size_t length) const;
  void removePrefix(size_t n);

 private:
  BlockRef block_;
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace peerpulse
