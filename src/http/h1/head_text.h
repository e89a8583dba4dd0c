// HeadText: builds one section in a piece of memory whose size is known beforehand, on the stack if it is small.
//
// Threading: one thread. Ownership: a local variable.
// Invariants: what is added never exceeds the bound given at the start.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "peerpulse/base/assert.h"

namespace peerpulse::http::h1 {

class HeadText {
 public:
  explicit HeadText(size_t bound) : bound_(bound) {
    if (bound > onStack_.size()) {
      onHeap_ = std::make_unique_for_overwrite<char[]>(bound);
      begin_ = onHeap_.get();
    } else {
      begin_ = onStack_.data();
    }
    end_ = begin_;
  }
  HeadText(const HeadText&) = delete;
  HeadText& operator=(const HeadText&) = delete;
  ~HeadText() = default;

  HeadText& add(std::string_view text) {
    PP_ASSERT(text.size() <= bound_ - size());
    if (!text.empty()) std::memcpy(end_, text.data(), text.size());
    end_ += text.size();
    return *this;
  }
  void field(std::string_view name, std::string_view value) { add(name).add(": ").add(value).add("\r\n"); }
  void field(std::string_view name, uint64_t value);
  size_t size() const { return static_cast<size_t>(end_ - begin_); }
  std::string_view view() const { return {begin_, size()}; }

 private:
  const size_t bound_;
  char* begin_ = nullptr;
  char* end_ = nullptr;
  std::unique_ptr<char[]> onHeap_;
  std::array<char, 2048> onStack_;
};

}  // namespace peerpulse::http::h1
