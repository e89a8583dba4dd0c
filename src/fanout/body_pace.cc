#include "body_pace.h"

#include <algorithm>

namespace peerpulse::fanout {

BodyPace::BodyPace(size_t targets, size_t needed, uint64_t limit, TimePoint now)
    : needed_(needed), limit_(limit), sent_(targets, 0), at_(now) {}

void BodyPace::onTaken(uint64_t bytes, TimePoint now) {
  taken_ += bytes;
  settle(now);
}

void BodyPace::onSent(size_t target, uint64_t bytes, TimePoint now) {
  if (sent_[target] != kLeft) sent_[target] += bytes;
  settle(now);
}

void BodyPace::onLeft(size_t target, TimePoint now) {
  sent_[target] = kLeft;
  settle(now);
}

std::optional<size_t> BodyPace::slowest() const {
  const auto least = std::min_element(sent_.begin(), sent_.end());
  if (least == sent_.end() || *least == kLeft) return std::nullopt;
  return static_cast<size_t>(least - sent_.begin());
}

uint64_t BodyPace::allowed() const {
  const auto least = slowest();
  return least ? std::min(taken_, sent_[*least] + limit_) : taken_;
}

uint64_t BodyPace::takeCredit(TimePoint now) {
  const uint64_t credit = allowed() - credited_;
  credited_ += credit;
  settle(now);
  return credit;
}

// The caller waits for credit, and those that the answer needs have nothing left to do.
bool BodyPace::othersWait() const {
  if (credited_ == taken_ || allowed() == taken_) return false;
  return static_cast<size_t>(std::count(sent_.begin(), sent_.end(), taken_)) >= needed_;
}

void BodyPace::settle(TimePoint now) {
  const Duration passed = now - at_;
  waited_ = waiting_ ? waited_ + passed : std::max<Duration>(waited_ - passed, Duration::zero());
  at_ = now;
  waiting_ = othersWait();
}

std::optional<size_t> BodyPace::laggard(TimePoint now) {
  settle(now);
  return waiting_ && waited_ >= kPatience ? slowest() : std::nullopt;
}

std::optional<Duration> BodyPace::patienceLeft() const {
  if (!waiting_) return std::nullopt;
  return std::max<Duration>(kPatience - waited_, Duration::zero());
}

}  // namespace peerpulse::fanout
