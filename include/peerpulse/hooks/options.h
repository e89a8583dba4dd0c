// What the configuration says of a hook.
#pragma once

#include <string>
#include <vector>

#include "peerpulse/base/time.h"

namespace peerpulse::hooks {

struct Options {
  /// Program and arguments, run as they are: no shell, no search in PATH. Empty: no hook.
  std::vector<std::string> command;
  Duration timeout = seconds(10);
};

}  // namespace peerpulse::hooks
