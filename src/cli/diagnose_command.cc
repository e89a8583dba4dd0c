#include "command.h"
#include "diagnosis.h"
#include "diagnosis_report.h"
#include "observe.h"
#include "subject.h"

namespace peerpulse::cli {

int diagnoseCommand(const AdminClient& admin, const std::string& peer, const std::string& configFile,
                    const Terminal& terminal) {
  const auto subject = findSubject(admin, peer, configFile);
  if (!subject) return failed(terminal, subject.error());
  const Observations seen = observe(admin, *subject);
  const Diagnosis diagnosis = diagnose(seen);
  if (terminal.json()) {
    terminal.showJson(diagnosisJson(seen, diagnosis));
  } else {
    terminal.show(diagnosisText(seen, diagnosis, wallNow()));
  }
  return diagnosis.cause == Cause::kWell ? kExitOk : kExitFound;
}

}  // namespace peerpulse::cli
