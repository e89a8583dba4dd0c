#include "peerpulse/dns/name_record.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "peerpulse/base/assert.h"

namespace peerpulse::dns {

namespace {

using State = NameRecord::State;

constexpr size_t indexOf(Family family) { return static_cast<size_t>(family); }

bool legal(State from, State to) {
  switch (from) {
    case State::kUnknown: return to == State::kGood || to == State::kFailed;
    case State::kGood: return to == State::kStale;
    case State::kStale: return to == State::kGood;
    case State::kFailed: return to == State::kGood;
  }
  return false;
}

bool byBytes(const SocketAddress& a, const SocketAddress& b) {
  if (a.length() != b.length()) return a.length() < b.length();
  return std::memcmp(a.get(), b.get(), a.length()) < 0;
}

void arrange(std::vector<SocketAddress>& addresses) {
  std::sort(addresses.begin(), addresses.end(), byBytes);
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
}

}  // namespace

const char* toString(State state) {
  switch (state) {
    case State::kUnknown: return "unknown";
    case State::kGood: return "good";
    case State::kStale: return "stale";
    case State::kFailed: return "failed";
  }
  return "?";
}

void NameRecord::enter(State to) {
  if (state_ == to) return;
  PP_ASSERT(legal(state_, to));
  state_ = to;
}

void NameRecord::onAsked(TimePoint now) {
  PP_ASSERT(pending_ == 0);
  pending_ = kFamilies;
  askedAt_ = now;
  nextAsk_ = TimePoint::max();
}

NameRecord::Change NameRecord::onAnswer(Family family, Answer answer, TimePoint now, double jitter) {
  PP_ASSERT(pending_ > 0);
  PP_ASSERT((answer.status == Status::kOk) == !answer.addresses.empty());
  const bool good = answer.status == Status::kOk;
  answers_[indexOf(family)] = std::move(answer);
  if (good) goodAt_ = now;
  if (--pending_ == 0) return endRound(now, jitter);
  // Whoever waits for the first address does not wait for the other family, too.
  if (!good || addresses_ != nullptr) return {};
  enter(State::kGood);
  good_[indexOf(family)] = answers_[indexOf(family)].addresses;
  return {.addresses = take(good_[0], good_[1]), .round = false};
}

NameRecord::Change NameRecord::endRound(TimePoint now, double jitter) {
  Change change{.addresses = false, .round = true};
  Duration ttl = options_.maxTtl;
  bool any = false;
  for (const Answer& answer : answers_) {
    if (answer.status != Status::kOk) continue;
    any = true;
    ttl = std::min(ttl, answer.ttl);
  }
  if (!any) {
    status_ = worst();
    enter(addresses_ != nullptr ? State::kStale : State::kFailed);
    nextAsk_ = now + std::chrono::duration_cast<Duration>(options_.retry * (0.75 + jitter / 2));
    return change;
  }
  for (size_t i = 0; i < kFamilies; ++i) {
    if (isDefinite(answers_[i].status)) good_[i] = std::exchange(answers_[i].addresses, {});
  }
  status_ = Status::kOk;
  enter(State::kGood);
  change.addresses = take(good_[0], good_[1]);
  // Sooner rather than later: many who asked at one time do not go on doing so.
  const auto spread = std::chrono::duration_cast<Duration>(ttl * (1 - jitter / 10));
  nextAsk_ = now + std::clamp(spread, options_.minTtl, std::max(options_.minTtl, options_.maxTtl));
  return change;
}

/// What a round without an address failed by: trouble before what the name says of itself, which is half of the truth then.
Status NameRecord::worst() const {
  const Status v4 = answers_[0].status;
  const Status v6 = answers_[1].status;
  if (!isDefinite(v4)) return v4;
  if (!isDefinite(v6)) return v6;
  // A name without any address of one family exists, and some servers say so for the other one only.
  return v4 == Status::kNoAddress || v6 == Status::kNoAddress ? Status::kNoAddress : Status::kNoSuchName;
}

bool NameRecord::take(std::vector<SocketAddress> v4, std::vector<SocketAddress> v6) {
  arrange(v4);
  arrange(v6);
  auto set = std::make_shared<AddressSet>();
  for (size_t i = 0; i < std::max(v4.size(), v6.size()); ++i) {
    if (i < v6.size()) set->addresses.push_back(v6[i]);
    if (i < v4.size()) set->addresses.push_back(v4[i]);
  }
  leftOut_ = set->addresses.size() - std::min(set->addresses.size(), kMaxAddresses);
  set->addresses.resize(set->addresses.size() - leftOut_);
  if (addresses_ != nullptr && addresses_->addresses == set->addresses) return false;
  addresses_ = std::move(set);
  return true;
}

void NameRecord::hurry(TimePoint now) {
  if (pending_ > 0) return;
  nextAsk_ = std::min(nextAsk_, std::max(now, askedAt_ + options_.minTtl));
}

}  // namespace peerpulse::dns
