// Verification: whether a store's traffic to its peers passes peerpulse: by names, what the running peerpulse says of itself,
// listeners, and connections as they are now.
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

/// A peer as the admin's /peers has it.
struct RunningPeer {
  std::string name;
  std::string listen;
  std::string address;
  std::string verdict;
  bool open = false;  ///< its circuit: the listener is shut
};

/// What runs here. Its admin answers once every listener is bound, and for as long as it drains, when they are shut again.
struct Running {
  std::vector<RunningPeer> peers;
  std::string noAnswer;  ///< why the admin could not be asked; empty: it was
};

struct Observed {
  std::map<std::string, std::vector<std::string>> addresses;  ///< by name, as the resolver says
  SocketTable table;
  Running running;
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

Observed observe(const Plan& plan, Running running);
std::vector<Finding> verify(const Plan& plan, const Observed& observed);

/// How the peers of the running peerpulse differ from those of the plan, each difference; one good finding if they do not.
std::vector<Finding> compare(const Plan& plan, const Running& running);

/// Why names must not lead to the plan's listeners yet: what runs differs, or one is not there though its circuit is not open.
/// Empty: they may. Names are not looked at.
std::string whyNamesWait(const Plan& plan, const Observed& observed);

}  // namespace peerpulse::recipe
