// ErrorList: everything that is wrong with a configuration, in the order it was found.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "peerpulse/base/result.h"

namespace peerpulse::config {

class ErrorList {
 public:
  /// "<where>: found <found>, expected <expected>". `where` is a JSON pointer or a variable's name.
  void add(const std::string& where, const std::string& found, const std::string& expected) {
    add((where.empty() ? "/" : where) + ": found " + found + ", expected " + expected);
  }
  void add(std::string line) {
    if (lines_.size() < kMaxLines) {
      lines_.push_back(std::move(line));
    } else {
      ++more_;
    }
  }
  bool empty() const { return lines_.empty(); }

  /// One line per error, each preceded by `name`.
  Error toError(const std::string& name) const {
    std::string message;
    const auto append = [&](const std::string& line) {
      if (!message.empty()) message += '\n';
      message += name;
      message += ": ";
      message += line;
    };
    for (const std::string& line : lines_)
      append(line);
    if (more_ > 0) append("and " + std::to_string(more_) + " more");
    return Error{std::move(message)};
  }

 private:
  static constexpr size_t kMaxLines = 50;
  std::vector<std::string> lines_;
  size_t more_ = 0;
};

}  // namespace peerpulse::config
