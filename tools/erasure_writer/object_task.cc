#include "object_task.h"

namespace peerpulse::erasure_writer {

const char* toString(ObjectOutcome outcome) {
  switch (outcome) {
    case ObjectOutcome::kOk: return "ok";
    case ObjectOutcome::kQuorumLost: return "quorum_lost";
    case ObjectOutcome::kCorrupt: return "corrupt";
    case ObjectOutcome::kFileError: return "file_error";
    case ObjectOutcome::kCancelled: return "cancelled";
  }
  return "?";
}

}  // namespace peerpulse::erasure_writer
