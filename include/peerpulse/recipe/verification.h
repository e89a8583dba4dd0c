// Verification: whether a store's traffic to its peers passes peerpulse: by names, listeners, and connections as they are now.
//
// Pure but for observe(), which asks the resolver and the kernel, and may take as long as the resolver does.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "peerpulse/recipe/plan.h"
#include "peerpulse/recipe/socket_table.h"

namespace peerpulse::recipe {

struct Observed {
  std::map<std::string, std::vector<std::string>> addresses;  ///< by name, as the resolver says
  SocketTable table;
};

struct Finding {
  enum class Kind : uint8_t {
    kGood,
    kNotYet,  ///< nothing is wrong, and nothing is seen
    kBad,
  };
  Kind kind{};
  std::string text;
  std::string advice;  ///< what to do; empty where all is well
};

Observed observe(const Plan& plan);
std::vector<Finding> verify(const Plan& plan, const Observed& observed);

}  // namespace peerpulse::recipe
