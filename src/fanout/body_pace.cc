#include "body_pace.h"

#include <algorithm>
#include <functional>

namespace peerpulse::fanout {

BodyPace::BodyPace(size_t targets, size_t needed, uint64_t limit)
    : needed_(needed), limit_(limit), sent_(targets, 0) {
  fastest_.reserve(targets);
}

// Of those that are left; with nobody left, nobody sets one.
uint64_t BodyPace::pace() const {
  fastest_.clear();
  std::copy_if(sent_.begin(), sent_.end(), std::back_inserter(fastest_), [](uint64_t sent) { return sent != kLeft; });
  if (fastest_.empty() || needed_ == 0) return kLeft - limit_;
  const size_t place = std::min(needed_, fastest_.size()) - 1;
  std::nth_element(fastest_.begin(), fastest_.begin() + static_cast<ptrdiff_t>(place), fastest_.end(),
                   std::greater<>());
  return fastest_[place];
}

uint64_t BodyPace::takeCredit() {
  const uint64_t allowed = std::min(taken_, pace() + limit_);
  if (allowed <= credited_) return 0;
  const uint64_t credit = allowed - credited_;
  credited_ = allowed;
  return credit;
}

std::optional<size_t> BodyPace::laggard() const {
  for (size_t target = 0; target < sent_.size(); ++target) {
    if (sent_[target] != kLeft && sent_[target] + limit_ < credited_) return target;
  }
  return std::nullopt;
}

}  // namespace peerpulse::fanout
