// HeaderList: the fields of one header or trailer section, in order, in one allocation. Names keep the case
// they arrived in (h2 fields are lower case on the wire); lookups ignore case (RFC 9110 5.1).
//
// Threading: a value; no sharing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace peerpulse::http {

/// Equality of `size` bytes, as for field names and tokens.
bool sameIgnoringCase(const char* a, const char* b, size_t size);

/// ASCII case-insensitive equality.
inline bool equalsIgnoreCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sameIgnoringCase(a.data(), b.data(), a.size());
}

/// Without the optional whitespace around it (RFC 9110 5.6.3).
inline std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

class HeaderList {
 public:
  HeaderList() = default;
  HeaderList(const HeaderList& other);
  HeaderList(HeaderList&& other) noexcept;
  HeaderList& operator=(const HeaderList& other);
  HeaderList& operator=(HeaderList&& other) noexcept;
  ~HeaderList() = default;

  /// Makes room for so many fields more, whose names and values have so many bytes together.
  void reserve(size_t fields, size_t bytes);
  void add(std::string_view name, std::string_view value);
  /// The first value under `name`; an empty view with data() == nullptr when there is none.
  std::string_view find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name).data() != nullptr; }
  /// Removes every field of that name; returns how many there were.
  size_t remove(std::string_view name);
  /// Removes the old fields of that name and adds one.
  void set(std::string_view name, std::string_view value);

  size_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  /// Requires i < count(). The views live until the list changes.
  HeaderField at(size_t i) const;
  /// Sum of name + value + 32 over the fields: the size RFC 9113 6.5.2 limits.
  size_t listSize() const { return listSize_; }

 private:
  struct Ref {
    uint32_t offset;
    uint32_t nameLength;
    uint32_t valueLength;
  };
  const char* bytes() const { return reinterpret_cast<const char*>(storage_.get()); }
  char* bytes() { return reinterpret_cast<char*>(storage_.get()); }
  const Ref& ref(size_t i) const { return storage_[capacity_ - 1 - i]; }
  Ref& ref(size_t i) { return storage_[capacity_ - 1 - i]; }
  HeaderField fieldOf(const Ref& ref) const {
    return {{bytes() + ref.offset, ref.nameLength}, {bytes() + ref.offset + ref.nameLength, ref.valueLength}};
  }
  bool fits(size_t fields, size_t bytes) const;
  /// Moves to a larger storage; returns the old one, into which arguments of the caller may point.
  std::unique_ptr<Ref[]> grow(size_t fields, size_t bytes);

  // Text from the front, references from the back.
  std::unique_ptr<Ref[]> storage_;
  uint32_t capacity_ = 0;  ///< of storage_, in references
  uint32_t used_ = 0;      ///< bytes of text
  uint32_t count_ = 0;
  size_t listSize_ = 0;
};

}  // namespace peerpulse::http
