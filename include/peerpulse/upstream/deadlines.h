// Deadlines of one exchange (design section 5): until connected, until answered or complete, and the longest
// time in which no byte moves. Pure: time comes in, the answer is a value. The exchange keeps one timer, armed
// at next(); progress() only stores a stamp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "peerpulse/base/time.h"
#include "peerpulse/upstream/options.h"

namespace peerpulse::upstream {

enum class Expiry : uint8_t { kNone, kConnect, kTotal, kStall, kPatience, kGrpcDeadline };

class Deadlines {
 public:
  /// `grpcTimeout`: the request's own deadline, which shortens ours.
  Deadlines(const ClassTimeouts& timeouts, TimePoint start, std::optional<Duration> grpcTimeout);

  /// So long its owner waits for what the peer owes, from `start`: no promise of the peer's, which is blamed for nothing.
  void onPatience(Duration patience, TimePoint start) { patience_ = start + patience; }
  /// A body of this many bytes was announced: the chunk deadline is stall + bytes / minBytesPerSecond from now.
  void onContentLength(uint64_t bytes, TimePoint now);
  /// Tries to connect that follow each other have the time of one.
  void onConnecting(TimePoint now);
  void onConnected(TimePoint now);
  /// Whether the peer owes something now. While it does not (its client pauses, or reads slowly), the exchange's total
  /// and the stall do not run: that time is nobody's fault here.
  void onDebt(bool peerOwes, TimePoint now);
  bool running() const { return pausedAt_ == TimePoint::max(); }
  /// A byte moved, in whichever direction.
  void onProgress(TimePoint now) { lastProgress_ = now; }
  /// From here on it may last, and be silent, as long as it likes: a tunnel, Server-Sent Events, or the
  /// response is complete.
  void stop();

  /// It will not go on after this, whatever moves meanwhile; TimePoint::max() if it may.
  TimePoint end() const { return std::min({grpc_, connect_, total(), patience()}); }

  Expiry expired(TimePoint now) const;
  /// The earliest moment expired() can turn; TimePoint::max() when there is none.
  TimePoint next() const;

 private:
  const ClassTimeouts& timeouts_;
  TimePoint grpc_ = TimePoint::max();
  TimePoint total_ = TimePoint::max();
  TimePoint patience_ = TimePoint::max();
  TimePoint connect_ = TimePoint::max();
  TimePoint lastProgress_;
  TimePoint pausedAt_ = TimePoint::max();  // the peer owes nothing since
  bool streaming_ = false;

  TimePoint total() const;
  TimePoint patience() const;
  TimePoint stall() const;
};

/// The value of a grpc-timeout field ("100m", "5S"); nothing when it is malformed.
std::optional<Duration> parseGrpcTimeout(std::string_view value);

}  // namespace peerpulse::upstream
