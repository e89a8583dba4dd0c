// ObjectTask: one object of a run, written or read. The run keeps a number of them going.
//
// Threading: the loop's thread.
// Ownership: the run's; after onObjectDone() it goes to deferred deletion.
#pragma once

#include <string>

#include "erasure_writer/manifest.h"
#include "peerpulse/event/dispatcher.h"

namespace peerpulse::erasure_writer {

enum class ObjectOutcome : uint8_t {
  kOk,
  kQuorumLost,  ///< write: fewer than 12 shards; read: fewer than 12 to be had
  kCorrupt,     ///< read: decoded to other bytes
  kFileError,   ///< write: the source could not be read
  kCancelled,
};

const char* toString(ObjectOutcome outcome);

class ObjectTask : public event::DeferredDeletable {
 public:
  virtual void start() = 0;
  /// Stops soon with kCancelled; onObjectDone() still follows, perhaps later.
  virtual void cancel() = 0;
};

class ObjectTaskOwner {
 public:
  virtual ~ObjectTaskOwner() = default;
  virtual void onObjectDone(ObjectTask& task, const ManifestObject& object, ObjectOutcome outcome,
                            const std::string& detail) = 0;
};

}  // namespace peerpulse::erasure_writer
