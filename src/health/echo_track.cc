#include "peerpulse/health/echo_track.h"

#include <algorithm>

#include "peerpulse/base/assert.h"

namespace peerpulse::health {

void EchoTrack::enter(State to) {
  PP_ASSERT(state_ != State::kOff && to != State::kOff && to != state_);
  PP_ASSERT(to != State::kTrusted || state_ == State::kTrying);
  PP_ASSERT(to != State::kTrying || state_ == State::kResting);
  state_ = to;
  if (to == State::kTrying) tried_ = triedAnswered_ = 0;
}

void EchoTrack::setAnswered(uint32_t sequence, bool answered) {
  const uint64_t bit = uint64_t{1} << (sequence % kKept);
  answered_ = answered ? answered_ | bit : answered_ & ~bit;
}

void EchoTrack::rest(TimePoint now) {
  enter(State::kResting);
  refused_ = true;
  for (uint32_t back = 0; back < std::min<uint64_t>(counts_.sent, kKept); ++back)
    counts_.lost += isAnswered(sequence_ - back) ? 0U : 1U;
  answered_ = ~uint64_t{0};  // nothing is waited for
  restsUntil_ = now + rest_;
  rest_ = std::min(2 * rest_, kLongestRest);
}

bool EchoTrack::neverMissed(TimePoint before) const {
  if (state_ != State::kTrying || triedAnswered_ == 0) return false;
  for (uint32_t back = 0; back < std::min(tried_, kKept); ++back) {
    const uint32_t sequence = sequence_ - back;
    if (sentAt_[sequence % kKept] < before && !isAnswered(sequence)) return false;
  }
  return true;
}

uint32_t EchoTrack::send(TimePoint now) {
  PP_ASSERT(sends(now));
  if (state_ == State::kResting) enter(State::kTrying);
  ++sequence_;
  if (counts_.sent >= kKept && !isAnswered(sequence_)) ++counts_.lost;  // the one whose place it takes
  ++counts_.sent;
  since_ = std::min(since_ + 1, kKept);
  sentAt_[sequence_ % kKept] = now;
  setAnswered(sequence_, false);
  if (state_ == State::kTrying && ++tried_ >= kTrial) rest(now);
  return sequence_;
}

void EchoTrack::unsent() {
  if (isAnswered(sequence_)) return;
  setAnswered(sequence_, true);
  if (tried_ > 0) --tried_;
}

std::optional<Duration> EchoTrack::answered(uint32_t sequence, TimePoint now) {
  if (sequence == 0 || sequence_ - sequence >= kKept || isAnswered(sequence)) return std::nullopt;
  setAnswered(sequence, true);
  ++counts_.answered;
  if (state_ == State::kTrying && ++triedAnswered_ >= kTrialAnswered) {
    enter(State::kTrusted);
    refused_ = false;
    trustedAt_ = now;
  }
  return now - sentAt_[sequence % kKept];
}

bool EchoTrack::refuted(TimePoint now, Duration patience) {
  if (!trusted()) return false;
  uint32_t settled = 0, unanswered = 0;
  bool mute = true;
  for (uint32_t back = 0; back < since_ && settled < kWindow; ++back) {
    const uint32_t sequence = sequence_ - back;
    if (now - sentAt_[sequence % kKept] < patience && !isAnswered(sequence)) continue;  // it may still come
    ++settled;
    if (!isAnswered(sequence)) ++unanswered;
    if (settled <= kMute && isAnswered(sequence)) mute = false;
  }
  if (!(mute && settled >= kMute) && !(settled == kWindow && 2 * unanswered >= kWindow)) return false;
  if (now - trustedAt_ >= kSteady) rest_ = kRest;
  rest(now);
  return true;
}

void EchoTrack::outageEnded(TimePoint now) {
  since_ = 0;
  if (state_ == State::kResting) restsUntil_ = now;
  if (state_ == State::kTrying) tried_ = triedAnswered_ = 0;
}

}  // namespace peerpulse::health
