// Text for people: ages, times, tables.
//
// Threading: pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peerpulse/base/time.h"

namespace peerpulse::cli {

/// "62 ms", "4.2 s", "3m12s", "2h05m", "4d07h".
std::string ageText(Duration age);
/// As formatRfc3339() writes it, with any number of decimals.
std::optional<WallTime> parseRfc3339(std::string_view text);
/// "3m12s ago"; empty when there is no such time.
std::string sinceText(std::string_view rfc3339, WallTime now);
/// A number as short as it can be read: "0.4", "12", "1.5".
std::string shortNumber(double value);
/// "node2, node3 and node4"; "nobody".
std::string listText(const std::vector<std::string>& names);

/// Columns as wide as they need to be, two spaces between them.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  size_t rows() const { return rows_.size() - 1; }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace peerpulse::cli
