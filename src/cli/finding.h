// Finding: one thing that `doctor` has to say of this host.
#pragma once

#include <string>
#include <vector>

namespace peerpulse::cli {

enum class Severity {
  kOk,       ///< looked at, nothing to say
  kAdvice,   ///< would be better; nothing is wrong
  kWarning,  ///< will hurt one day
  kProblem,  ///< hurts now
};
/// "ok", "advice", "warning", "problem".
const char* severityName(Severity severity);

struct Finding {
  Severity severity = Severity::kOk;
  std::string check;  ///< what was looked at: "sysctl", "descriptors" ...
  std::string where;  ///< "net.core.somaxconn", "process 812 (rustfs)"
  std::string what;
  std::string todo;  ///< empty: nothing
};
using Findings = std::vector<Finding>;

}  // namespace peerpulse::cli
