// StallMeter: the longest time without progress: the longest gap between the start, each progress event (a
// shard write the peer acknowledged with 2xx), and the end.
//
// Threading: one thread. No clock inside.
#pragma once

#include "peerpulse/base/time.h"

namespace peerpulse::erasure_writer {

class StallMeter {
 public:
  explicit StallMeter(TimePoint start) : last_(start), longestStart_(start) {}

  void onProgress(TimePoint now) {
    if (now - last_ > longest_) {
      longest_ = now - last_;
      longestStart_ = last_;
    }
    last_ = now;
  }

  Duration longest() const { return longest_; }
  /// When the longest gap began.
  TimePoint longestStart() const { return longestStart_; }

 private:
  TimePoint last_;
  Duration longest_{};
  TimePoint longestStart_;
};

}  // namespace peerpulse::erasure_writer
