// TopPage: one frame of `top`: the cluster, and the peers with what goes through them per second.
//
// Threading: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "json_field.h"
#include "peerpulse/base/time.h"

namespace peerpulse::cli {

class TopPage {
 public:
  /// `lines` of the terminal at most; peers that are not well first. Rates are since the frame before.
  std::string text(const Json& cluster, const Json& peers, TimePoint now, WallTime wallNow, size_t lines = SIZE_MAX);

 private:
  struct Counts {
    double requests = 0;
    double failures = 0;
  };
  std::map<std::string, Counts> before_;
  TimePoint at_;
};

}  // namespace peerpulse::cli
