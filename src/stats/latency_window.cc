#include "peerpulse/stats/latency_window.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "peerpulse/base/assert.h"

namespace peerpulse::stats {

namespace {

constexpr unsigned kMinBits = 16;
constexpr unsigned kPartBits = 3;  // eight buckets an octave
constexpr size_t kRecentShare = 8;

int64_t nanosOf(TimePoint at) { return nanoseconds(at.time_since_epoch()).count(); }

}  // namespace

// Upper bounds belong to their bucket: what was read from here is recorded where it came from.
size_t LatencyWindow::bucketOf(Duration value) {
  const int64_t nanos = nanoseconds(std::clamp(value, kMin, kMax)).count() - 1;
  const auto v = static_cast<uint64_t>(nanos);
  const auto width = static_cast<unsigned>(std::bit_width(v));
  if (width <= kMinBits) return 0;
  const unsigned octave = width - 1;
  const size_t part = v >> (octave - kPartBits) & 7;
  return 1 + (octave - kMinBits) * size_t{8} + part;
}

Duration LatencyWindow::upperBound(size_t bucket) {
  if (bucket == 0) return kMin;
  const size_t octave = kMinBits + (bucket - 1) / 8;
  const size_t part = (bucket - 1) % 8;
  return nanoseconds(static_cast<int64_t>((8 + part + 1) << (octave - kPartBits)));
}

void LatencyWindow::record(size_t bucket, TimePoint now, Duration window) {
  rotate(nanosOf(now), window);
  parts_[current_.load(std::memory_order_relaxed)][bucket].fetch_add(1, std::memory_order_relaxed);
  inCurrent_.fetch_add(1, std::memory_order_relaxed);
  lastAt_.store(nanosOf(now), std::memory_order_relaxed);
  const size_t place = next_.fetch_add(1, std::memory_order_relaxed) % kRecent;
  recent_[place].store(static_cast<uint8_t>(bucket + 1), std::memory_order_relaxed);
}

// Whoever wins the exchange of `since_` makes the oldest part the new one.
void LatencyWindow::rotate(int64_t now, Duration window) {
  static_assert(kBuckets < UINT8_MAX);
  int64_t since = since_.load(std::memory_order_relaxed);
  if (since == kNever) {
    since_.compare_exchange_strong(since, now, std::memory_order_relaxed);
    return;
  }
  if (inCurrent_.load(std::memory_order_relaxed) < kMinPerPart) return;
  if (now - since < nanoseconds(window).count() / static_cast<int64_t>(kParts)) return;
  if (!since_.compare_exchange_strong(since, now, std::memory_order_relaxed)) return;
  const size_t next = (current_.load(std::memory_order_relaxed) + 1) % kParts;
  for (auto& count : parts_[next])
    count.store(0, std::memory_order_relaxed);
  inCurrent_.store(0, std::memory_order_relaxed);
  current_.store(next, std::memory_order_relaxed);
}

void LatencyWindow::unanswered(Duration waited, TimePoint now, Duration window) {
  const int64_t nanos = nanoseconds(waited).count();
  const int64_t before = inVainAt_.load(std::memory_order_relaxed);
  const bool old = before == kNever || nanosOf(now) - before >= nanoseconds(window).count();
  if (old || nanos >= inVain_.load(std::memory_order_relaxed)) {
    inVain_.store(nanos, std::memory_order_relaxed);
    inVainAt_.store(nanosOf(now), std::memory_order_relaxed);
  }
  record(bucketOf(std::max(waited, snapshot().percentile(99))), now, window);
}

void LatencyWindow::abandoned(Duration waited, TimePoint now, Duration window) {
  const Snapshot known = snapshot();
  if (known.samples() == 0 || waited < known.percentile(kLate)) return;
  record(bucketOf(waited), now, window);
}

LatencyWindow::Snapshot LatencyWindow::snapshot() const {
  Snapshot snapshot;
  for (const Part& part : parts_) {
    for (size_t i = 0; i < kBuckets; ++i) {
      const uint64_t count = part[i].load(std::memory_order_relaxed);
      snapshot.counts_[i] += count;
      snapshot.samples_ += count;
    }
  }
  snapshot.recentHigh_ = recentHigh();
  if (const int64_t at = inVainAt_.load(std::memory_order_relaxed); at != kNever) {
    snapshot.inVain_ = nanoseconds(inVain_.load(std::memory_order_relaxed));
    snapshot.inVainAt_ = TimePoint(nanoseconds(at));
  }
  return snapshot;
}

Duration LatencyWindow::recentHigh() const {
  std::array<uint8_t, kRecent> values{};
  size_t count = 0;
  for (const auto& each : recent_) {
    const uint8_t value = each.load(std::memory_order_relaxed);
    if (value != 0) values[count++] = value;
  }
  const size_t rank = count / kRecentShare;
  if (rank == 0) return Duration::zero();
  const auto end = values.begin() + static_cast<std::ptrdiff_t>(count);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank - 1);
  std::nth_element(values.begin(), at, end, std::greater<>());
  return upperBound(size_t{*at} - 1);
}

Duration LatencyWindow::Snapshot::percentile(unsigned percent) const {
  PP_ASSERT(percent > 0 && percent <= 100);
  const uint64_t rank = (samples_ * percent + 99) / 100;
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets && rank > 0; ++i) {
    seen += counts_[i];
    if (seen >= rank) return upperBound(i);
  }
  return Duration::zero();
}

Duration LatencyWindow::Snapshot::high() const { return std::max(percentile(99), recentHigh_); }

Duration LatencyWindow::Snapshot::waitedInVain(TimePoint now, Duration window) const {
  return inVain_ > Duration::zero() && now - inVainAt_ < window ? inVain_ : Duration::zero();
}

}  // namespace peerpulse::stats
