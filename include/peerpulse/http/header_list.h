// HeaderList: the fields of one header or trailer section, in order, in one allocation. Names keep the case
// they arrived in (h2 fields are lower case on the wire); lookups ignore case (RFC 9110 5.1).
//
// Threading: a value; no sharing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace peerpulse::http {

/// ASCII case-insensitive equality, as for field names and tokens.
bool equalsIgnoreCase(std::string_view a, std::string_view b);

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

class HeaderList {
 public:
  void add(std::string_view name, std::string_view value);
  /// The first value under `name`; an empty view with data() == nullptr when there is none.
  std::string_view find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name).data() != nullptr; }
  /// Removes every field of that name; returns how many there were.
  size_t remove(std::string_view name);
  /// Removes the old fields of that name and adds one.
  void set(std::string_view name, std::string_view value);

  size_t count() const { return refs_.size(); }
  bool empty() const { return refs_.empty(); }
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
  std::string bytes_;
  std::vector<Ref> refs_;
  size_t listSize_ = 0;
};

}  // namespace peerpulse::http
