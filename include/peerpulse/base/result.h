// Result<T>: a value or an Error, with the member names of std::expected (which C++20 lacks).
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "peerpulse/base/assert.h"

namespace peerpulse {

/// What went wrong, in words for a person: what, where, and what to do. `code` is an errno value when a
/// system call failed, otherwise 0.
struct Error {
  std::string message;
  int code = 0;
};

/// An Error from errno: "<what>: <strerror>".
Error systemError(const std::string& what, int errnoValue);

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() {
    PP_ASSERT(has_value());
    return std::get<0>(state_);
  }
  const T& value() const {
    PP_ASSERT(has_value());
    return std::get<0>(state_);
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const {
    PP_ASSERT(!has_value());
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}  // NOLINT: implicit by design

  bool has_value() const { return !failed_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const {
    PP_ASSERT(failed_);
    return error_;
  }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace peerpulse
