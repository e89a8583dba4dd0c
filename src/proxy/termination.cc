#include "termination.h"

#include <cctype>

namespace peerpulse::proxy {

namespace {

using upstream::Party;
using upstream::Phase;

char letterOf(Party party) {
  switch (party) {
    case Party::kPeer: return 'P';
    case Party::kClient: return 'C';
    case Party::kHost: return 'H';
    case Party::kPath: return 'N';
    case Party::kSelf: return 'S';
  }
  return '?';
}

char letterOf(Phase phase) {
  switch (phase) {
    case Phase::kQueue: return 'Q';
    case Phase::kConnect: return 'C';
    case Phase::kRequest: return 'R';
    case Phase::kWait: return 'W';
    case Phase::kResponse: return 'D';
    case Phase::kTunnel: return 'T';
    case Phase::kRest: return 'L';
  }
  return '?';
}

char whoOf(const AccessRecord& record) {
  if (record.clientAborted) return 'C';
  if (record.fastFailed) return 'D';
  if (record.shed) return 'G';
  const char letter = letterOf(record.party);
  return record.timedOut || record.timer != upstream::Timer::kNone ? static_cast<char>(std::tolower(letter)) : letter;
}

}  // namespace

std::string terminationCode(const AccessRecord& record) {
  if (!record.failed() && !record.clientAborted) return "--";
  return {whoOf(record), letterOf(record.phase)};
}

}  // namespace peerpulse::proxy
