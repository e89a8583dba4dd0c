#include "peerpulse/base/buffer.h"

#include <algorithm>
#include <cstring>

#include "peerpulse/base/assert.h"

namespace peerpulse {

void Buffer::append(Slice slice) {
  if (slice.empty()) return;
  // A small body goes right behind its head: one piece for the kernel is cheaper than two, and a copy than a reference.
  if (slice.size() <= kCopyBelow && endsInTail() && tail_->capacity() - tailUsed_ >= slice.size()) {
    append(slice.view());
    return;
  }
  size_ += slice.size();
  slices_.push_back(std::move(slice));
}

void Buffer::append(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!tail_ || tailUsed_ == tail_->capacity()) {
      tail_ = BlockRef::adopt(Block::create(std::max(tail_ ? kTailBlockSize : kFirstBlockSize, bytes.size())));
      tailUsed_ = 0;
    }
    const size_t n = std::min(bytes.size(), tail_->capacity() - tailUsed_);
    uint8_t* at = tail_->data() + tailUsed_;
    std::memcpy(at, bytes.data(), n);
    tailUsed_ += n;
    if (extendLast(at, n)) {
      size_ += n;
    } else {
      append(Slice(tail_, at, n));
    }
    bytes.remove_prefix(n);
  }
}

// The last bytes are those that were last written into the own block.
bool Buffer::endsInTail() const {
  if (sliceCount() == 0 || !tail_) return false;
  const Slice& last = slices_.back();
  return last.data() + last.size() == tail_->data() + tailUsed_;
}

// Text appended right after text becomes one slice: fewer iovecs for a header block of many fields.
bool Buffer::extendLast(const uint8_t* at, size_t n) {
  if (sliceCount() == 0) return false;
  Slice& last = slices_.back();
  if (last.data() + last.size() != at || at == tail_->data()) return false;
  last = Slice(tail_, last.data(), last.size() + n);
  return true;
}

void Buffer::popFront() {
  slices_[head_] = Slice();
  ++head_;
  if (head_ == slices_.size()) {
    slices_.clear();
    head_ = 0;
  } else if (head_ >= 64 && head_ * 2 >= slices_.size()) {
    slices_.erase(slices_.begin(), slices_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

Slice Buffer::takeFront(size_t limit) {
  PP_ASSERT(!empty());
  Slice& front = slices_[head_];
  if (front.size() > limit) {
    Slice part = front.sub(0, limit);
    front.removePrefix(limit);
    size_ -= limit;
    return part;
  }
  Slice whole = std::move(front);
  size_ -= whole.size();
  popFront();
  return whole;
}

void Buffer::moveTo(Buffer& to, size_t n) {
  while (n > 0 && !empty()) {
    Slice part = takeFront(n);
    n -= part.size();
    to.append(std::move(part));
  }
}

void Buffer::drain(size_t n) {
  PP_ASSERT(n <= size_);
  size_ -= n;
  while (n > 0) {
    Slice& front = slices_[head_];
    if (front.size() > n) {
      front.removePrefix(n);
      return;
    }
    n -= front.size();
    popFront();
  }
}

void Buffer::clear() {
  slices_.clear();
  head_ = size_ = 0;
}

int Buffer::fillIovecs(iovec* entries, int capacity) const {
  int used = 0;
  for (size_t i = head_; i < slices_.size() && used < capacity; ++i, ++used) {
    entries[used].iov_base = const_cast<uint8_t*>(slices_[i].data());
    entries[used].iov_len = slices_[i].size();
  }
  return used;
}

std::string Buffer::toString() const {
  std::string text;
  text.reserve(size_);
  for (size_t i = head_; i < slices_.size(); ++i)
    text.append(slices_[i].view());
  return text;
}

}  // namespace peerpulse
