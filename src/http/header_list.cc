#include "peerpulse/http/header_list.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "peerpulse/base/assert.h"

namespace peerpulse::http {
namespace {

constexpr size_t kFieldOverhead = 32;  // RFC 9113 6.5.2
constexpr size_t kFirstFields = 8;
constexpr size_t kFirstBytes = 256;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool sameIgnoringCase(const char* a, const char* b, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

HeaderList::HeaderList(const HeaderList& other) {
  if (other.empty()) return;
  reserve(other.count_, other.listSize_ - other.count_ * kFieldOverhead);
  for (size_t i = 0; i < other.count_; ++i) {
    const HeaderField field = other.fieldOf(other.ref(i));
    add(field.name, field.value);
  }
}

HeaderList::HeaderList(HeaderList&& other) noexcept
    : storage_(std::move(other.storage_)),
      capacity_(std::exchange(other.capacity_, 0)),
      used_(std::exchange(other.used_, 0)),
      count_(std::exchange(other.count_, 0)),
      listSize_(std::exchange(other.listSize_, 0)) {}

HeaderList& HeaderList::operator=(const HeaderList& other) {
  if (this != &other) *this = HeaderList(other);
  return *this;
}

HeaderList& HeaderList::operator=(HeaderList&& other) noexcept {
  storage_ = std::move(other.storage_);
  capacity_ = std::exchange(other.capacity_, 0);
  used_ = std::exchange(other.used_, 0);
  count_ = std::exchange(other.count_, 0);
  listSize_ = std::exchange(other.listSize_, 0);
  return *this;
}

bool HeaderList::fits(size_t fields, size_t bytes) const {
  return used_ + bytes + (count_ + fields) * sizeof(Ref) <= capacity_ * sizeof(Ref);
}

std::unique_ptr<HeaderList::Ref[]> HeaderList::grow(size_t fields, size_t bytes) {
  PP_ASSERT(used_ + bytes <= UINT32_MAX);
  const size_t needed = (used_ + bytes + sizeof(Ref) - 1) / sizeof(Ref) + count_ + fields;
  auto larger = std::make_unique_for_overwrite<Ref[]>(needed);
  if (count_ > 0) {
    std::memcpy(larger.get(), storage_.get(), used_);
    std::memcpy(&larger[needed - count_], &storage_[capacity_ - count_], count_ * sizeof(Ref));
  }
  capacity_ = static_cast<uint32_t>(needed);
  return std::exchange(storage_, std::move(larger));
}

void HeaderList::reserve(size_t fields, size_t bytes) {
  if (!fits(fields, bytes)) grow(fields, bytes);
}

void HeaderList::add(std::string_view name, std::string_view value) {
  const size_t size = name.size() + value.size();
  std::unique_ptr<Ref[]> old;
  if (!fits(1, size)) old = grow(std::max<size_t>(count_ + 1, kFirstFields), std::max(used_ + size, kFirstBytes));
  char* at = bytes() + used_;
  if (!name.empty()) std::memcpy(at, name.data(), name.size());
  if (!value.empty()) std::memcpy(at + name.size(), value.data(), value.size());
  ++count_;
  ref(count_ - 1) = {used_, static_cast<uint32_t>(name.size()), static_cast<uint32_t>(value.size())};
  used_ += static_cast<uint32_t>(size);
  listSize_ += size + kFieldOverhead;
}

std::string_view HeaderList::find(std::string_view name) const {
  for (size_t i = 0; i < count_; ++i) {
    const Ref& one = ref(i);
    if (one.nameLength == name.size() && sameIgnoringCase(bytes() + one.offset, name.data(), name.size())) {
      return fieldOf(one).value;
    }
  }
  return {};
}

// The text stays, so `name` may be a view of a field that goes away.
size_t HeaderList::remove(std::string_view name) {
  const size_t before = count_;
  uint32_t kept = 0;
  for (size_t i = 0; i < before; ++i) {
    const Ref one = ref(i);
    if (equalsIgnoreCase(fieldOf(one).name, name)) {
      listSize_ -= one.nameLength + one.valueLength + kFieldOverhead;
    } else {
      ref(kept++) = one;
    }
  }
  count_ = kept;
  return before - kept;
}

void HeaderList::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

HeaderField HeaderList::at(size_t i) const {
  PP_ASSERT(i < count_);
  return fieldOf(ref(i));
}

}  // namespace peerpulse::http
