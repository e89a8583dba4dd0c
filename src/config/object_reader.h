// ObjectReader: reads one JSON object, nested objects included, into a list of fields; a key that no field
// has is an error with the nearest known key.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "field.h"

namespace peerpulse::config {

class ObjectReader {
 public:
  /// `fields` and `errors` must outlive the reader. `handled`: pointers that the caller reads itself.
  ObjectReader(const std::vector<Field>& fields, std::vector<std::string> handled, ErrorList& errors)
      : fields_(fields), handled_(std::move(handled)), errors_(errors) {}

  /// `pointer` is that of `object` ("" for the root).
  void read(const Json& object, const std::string& pointer);

  /// Pointers of the fields that were there, well-formed or not.
  const std::set<std::string>& seen() const { return seen_; }

 private:
  void readMember(const std::string& key, const Json& value, const std::string& parent);
  void unknownKey(const std::string& key, const std::string& parent);
  std::vector<std::string> childrenOf(const std::string& parent) const;

  const std::vector<Field>& fields_;
  std::vector<std::string> handled_;
  ErrorList& errors_;
  std::set<std::string> seen_;
};

}  // namespace peerpulse::config
