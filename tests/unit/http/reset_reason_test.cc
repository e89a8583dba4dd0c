#include <set>
#include <string>

#include <doctest/doctest.h>

#include "peerpulse/http/codec.h"

namespace peerpulse::http {
namespace {

TEST_CASE("every reason of a reset has a name of its own") {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(ResetReason::kConnectionClosed); ++i)
    names.insert(toString(static_cast<ResetReason>(i)));
  CHECK(names.size() == static_cast<size_t>(ResetReason::kConnectionClosed) + 1);
  CHECK(names.count("?") == 0);
}

}  // namespace
}  // namespace peerpulse::http
