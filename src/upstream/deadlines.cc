#include "peerpulse/upstream/deadlines.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace peerpulse::upstream {

Deadlines::Deadlines(const ClassTimeouts& timeouts, TimePoint start, std::optional<Duration> grpcTimeout)
    : timeouts_(timeouts), lastProgress_(start) {
  if (timeouts.request > Duration::zero()) total_ = start + timeouts.request;
  if (grpcTimeout) grpc_ = start + *grpcTimeout;
}

void Deadlines::onContentLength(uint64_t bytes, TimePoint now) {
  if (timeouts_.minBytesPerSecond == 0 || timeouts_.request > Duration::zero()) return;
  const uint64_t wholeSeconds = bytes / timeouts_.minBytesPerSecond + 1;
  // A length that would take years has no useful deadline; the stall timeout still holds.
  constexpr uint64_t kYear = 365ULL * 24 * 3600;
  if (wholeSeconds > kYear) return;
  // Paused: counted from the resumption, which adds what lies between.
  total_ = std::min(now, pausedAt_) + timeouts_.stall + seconds(wholeSeconds);
}

void Deadlines::onConnecting(TimePoint now) {
  streaming_ = false;
  if (timeouts_.connect > Duration::zero() && connect_ == TimePoint::max()) connect_ = now + timeouts_.connect;
}

void Deadlines::onConnected(TimePoint now) {
  connect_ = TimePoint::max();
  streaming_ = true;
  lastProgress_ = now;
}

void Deadlines::stop() {
  total_ = patience_ = grpc_ = connect_ = TimePoint::max();
  streaming_ = false;
}

void Deadlines::onDebt(bool peerOwes, TimePoint now) {
  if (peerOwes == running()) return;
  if (!peerOwes) {
    pausedAt_ = now;
    return;
  }
  const Duration paused = now - std::exchange(pausedAt_, TimePoint::max());
  if (total_ != TimePoint::max()) total_ += paused;
  if (patience_ != TimePoint::max()) patience_ += paused;
  lastProgress_ = std::min(lastProgress_ + paused, now);  // a byte may have moved meanwhile
}

TimePoint Deadlines::total() const { return running() ? total_ : TimePoint::max(); }

TimePoint Deadlines::patience() const { return running() ? patience_ : TimePoint::max(); }

TimePoint Deadlines::stall() const {
  if (!running() || !streaming_ || timeouts_.stall == Duration::zero()) return TimePoint::max();
  return lastProgress_ + timeouts_.stall;
}

Expiry Deadlines::expired(TimePoint now) const {
  if (now >= grpc_) return Expiry::kGrpcDeadline;
  if (now >= connect_) return Expiry::kConnect;
  if (now >= total()) return Expiry::kTotal;
  if (now >= stall()) return Expiry::kStall;
  if (now >= patience()) return Expiry::kPatience;
  return Expiry::kNone;
}

TimePoint Deadlines::next() const { return std::min({grpc_, connect_, total(), patience(), stall()}); }

std::optional<Duration> parseGrpcTimeout(std::string_view value) {
  constexpr int64_t kMostHours = 1'000'000;                       // a century; more would not fit into a Duration
  if (value.size() < 2 || value.size() > 9) return std::nullopt;  // at most 8 digits and a unit
  int64_t amount = 0;
  const char* end = value.data() + value.size() - 1;
  const auto [at, error] = std::from_chars(value.data(), end, amount);
  if (error != std::errc() || at != end || amount < 0) return std::nullopt;
  switch (value.back()) {
    case 'H': return std::chrono::hours(std::min(amount, kMostHours));
    case 'M': return std::chrono::minutes(amount);
    case 'S': return seconds(amount);
    case 'm': return milliseconds(amount);
    case 'u': return microseconds(amount);
    case 'n': return nanoseconds(amount);
    default: return std::nullopt;
  }
}

}  // namespace peerpulse::upstream
