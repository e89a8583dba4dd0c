// LastError: what last went wrong with a peer's exchanges, for /peers: the question that follows every counter.
//
// Threading: any thread; a short mutex, taken for failures only. Memory: details are cut at kMostDetails.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "peerpulse/base/mutex.h"
#include "peerpulse/base/time.h"

namespace peerpulse::stats {

/// What went wrong, and when.
struct ErrorSaid {
  WallTime at;
  const char* error = "";  ///< RFC 9209
  const char* party = "";
  std::string details;
};

class LastError {
 public:
  static constexpr size_t kMostDetails = 256;

  /// `error` and `party` live for ever.
  void note(WallTime at, const char* error, const char* party, std::string_view details) {
    const MutexLock lock(mutex_);
    if (!said_) said_.emplace();
    said_->at = at;
    said_->error = error;
    said_->party = party;
    said_->details = details.substr(0, kMostDetails);
  }
  std::optional<ErrorSaid> get() const {
    const MutexLock lock(mutex_);
    return said_;
  }

 private:
  mutable Mutex mutex_;
  std::optional<ErrorSaid> said_ PP_GUARDED_BY(mutex_);
};

}  // namespace peerpulse::stats
