#include "peerpulse/http/header_list.h"

#include <algorithm>

#include "peerpulse/base/assert.h"

namespace peerpulse::http {
namespace {

constexpr size_t kFieldOverhead = 32;  // RFC 9113 6.5.2

unsigned char lower(char c) { return static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

}  // namespace

bool equalsIgnoreCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

void HeaderList::add(std::string_view name, std::string_view value) {
  PP_ASSERT(bytes_.size() + name.size() + value.size() <= UINT32_MAX);
  refs_.push_back({static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(name.size()),
                   static_cast<uint32_t>(value.size())});
  // Reserving first keeps the arguments valid even if they are views of our own fields: the old bytes are
  // copied out before growth would free them.
  if (bytes_.capacity() - bytes_.size() < name.size() + value.size()) {
    std::string grown;
    grown.reserve(std::max(bytes_.size() * 2, bytes_.size() + name.size() + value.size()));
    grown.append(bytes_).append(name).append(value);
    bytes_.swap(grown);
  } else {
    bytes_.append(name).append(value);
  }
  listSize_ += name.size() + value.size() + kFieldOverhead;
}

std::string_view HeaderList::find(std::string_view name) const {
  for (size_t i = 0; i < refs_.size(); ++i) {
    const HeaderField field = at(i);
    if (equalsIgnoreCase(field.name, name)) return field.value;
  }
  return {};
}

size_t HeaderList::remove(std::string_view name) {
  const std::string wanted(name);  // `name` may be a view of a field that goes away
  const size_t before = refs_.size();
  std::erase_if(refs_, [&](const Ref& ref) {
    if (!equalsIgnoreCase(std::string_view(bytes_).substr(ref.offset, ref.nameLength), wanted)) return false;
    listSize_ -= ref.nameLength + ref.valueLength + kFieldOverhead;
    return true;
  });
  return before - refs_.size();
}

void HeaderList::set(std::string_view name, std::string_view value) {
  const std::string newName(name);
  const std::string newValue(value);
  remove(newName);
  add(newName, newValue);
}

HeaderField HeaderList::at(size_t i) const {
  PP_ASSERT(i < refs_.size());
  const Ref& ref = refs_[i];
  const std::string_view bytes(bytes_);
  return {bytes.substr(ref.offset, ref.nameLength), bytes.substr(ref.offset + ref.nameLength, ref.valueLength)};
}

}  // namespace peerpulse::http
