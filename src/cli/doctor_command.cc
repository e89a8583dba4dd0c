#include <algorithm>
#include <cstdlib>

#include "command.h"
#include "doctor.h"
#include "printable.h"

namespace peerpulse::cli {

namespace {

std::string textOf(const Findings& findings, bool all) {
  std::string text;
  size_t well = 0;
  for (const Severity severity : {Severity::kProblem, Severity::kWarning, Severity::kAdvice, Severity::kOk}) {
    for (const Finding& finding : findings) {
      if (finding.severity != severity) continue;
      if (severity == Severity::kOk) ++well;
      if (severity == Severity::kOk && !all) continue;
      text += std::string(severityName(severity)) + ": " + finding.check + ": " +
              (finding.where.empty() ? "" : printable(finding.where) + ": ") + printable(finding.what) + "\n";
      if (!finding.todo.empty()) text += "    -> " + printable(finding.todo) + "\n";
    }
  }
  return text + std::to_string(well) + " of " + std::to_string(findings.size()) + " checks are well" +
         (all || well == 0 ? "" : " (--all shows them)") + "\n";
}

}  // namespace

int doctorCommand(const AdminClient& admin, const DoctorOrder& order, const std::string& configFile,
                  const Terminal& terminal) {
  // A resolver that does not answer is asked once a name, for a second. Where somebody has said otherwise, that counts.
  (void)::setenv("RES_OPTIONS", "timeout:1 attempts:1", 0);
  const auto view = viewOf(admin, configFile);
  if (!view) return failed(terminal, view.error());
  const Findings findings = examine(*view, HostFiles(), order.storePid);
  if (terminal.json()) {
    Json list = Json::array();
    for (const Finding& finding : findings) {
      list.push_back({{"severity", severityName(finding.severity)},
                      {"check", finding.check},
                      {"where", finding.where},
                      {"what", finding.what},
                      {"todo", finding.todo}});
    }
    terminal.showJson({{"findings", std::move(list)}});
  } else {
    terminal.show(textOf(findings, order.all));
  }
  if (!view->reached) return kExitNoAnswer;
  const bool wrong = std::any_of(findings.begin(), findings.end(),
                                 [](const Finding& finding) { return finding.severity >= Severity::kWarning; });
  return wrong ? kExitFound : kExitOk;
}

}  // namespace peerpulse::cli
