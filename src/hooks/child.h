// Child: a program as a process of its own, with pipes for its input and output.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "peerpulse/base/fd.h"
#include "peerpulse/base/result.h"

namespace peerpulse::hooks {

struct Child {
  pid_t pid = 0;  ///< that of its process group and session as well
  Fd handle;      ///< a pidfd: readable once it has ended
  Fd input;       ///< its stdin; non-blocking
  Fd output;      ///< its stdout and stderr; non-blocking
};

/// Blocks until the program was loaded, or could not be. `command`: an absolute path and arguments.
Result<Child> spawn(const std::vector<std::string>& command);

}  // namespace peerpulse::hooks
